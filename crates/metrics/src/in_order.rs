//! Work in several threads whose results come back in the order of the work, so that they do not depend on the threads.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Maps items in up to `threads` threads, and hands every result to `take` in the order of the items, until it refuses one.
///
/// At most `2 · threads` items and results are held at a time: while some are mapped, the results of those before them are
/// taken and the items after them are fetched, by the calling thread.
pub(crate) fn for_each<T: Send, U: Send, E>(
    mut items: impl Iterator<Item = T>,
    threads: NonZeroUsize,
    map: impl Fn(T) -> U + Sync,
    mut take: impl FnMut(U) -> Result<(), E>,
) -> Result<(), E> {
    if threads.get() == 1 {
        return items.map(map).try_for_each(take);
    }
    let (to_workers, work) = mpsc::channel();
    let (to_taker, results) = mpsc::channel();
    let work = Mutex::new(work);
    thread::scope(|scope| {
        // Dropped with the scope's function, however it ends; the workers end with it.
        let to_workers: Sender<(usize, T)> = to_workers;
        let started = (0..threads.get()).filter(|_| {
            let (work, map, to_taker) = (&work, &map, to_taker.clone());
            thread::Builder::new().spawn_scoped(scope, move || work_through(work, map, &to_taker)).is_ok()
        });
        if started.count() == 0 {
            // The host gives no thread, so this one does the work.
            return items.map(&map).try_for_each(take);
        }
        let (mut sent, mut taken, mut early) = (0, 0, BTreeMap::new());
        loop {
            while sent < taken + 2 * threads.get()
                && let Some(item) = items.next()
                && to_workers.send((sent, item)).is_ok()
            {
                sent += 1;
            }
            let Some((place, result)) = (taken < sent).then(|| results.recv().ok()).flatten() else {
                return Ok(());
            };
            early.insert(place, result);
            while let Some(result) = early.remove(&taken) {
                taken += 1;
                take(result.unwrap_or_else(|panic| resume_unwind(panic)))?;
            }
        }
    })
}

/// Maps one item after the other until there are no more, or nobody takes results.
fn work_through<T, U>(
    work: &Mutex<Receiver<(usize, T)>>,
    map: &impl Fn(T) -> U,
    to_taker: &Sender<(usize, thread::Result<U>)>,
) {
    let next = || work.lock().unwrap_or_else(PoisonError::into_inner).recv();
    while let Ok((place, item)) = next() {
        // A panic goes on where the results are taken, which would wait for this one for ever.
        let mapped = catch_unwind(AssertUnwindSafe(|| map(item)));
        if to_taker.send((place, mapped)).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squares(threads: usize, limit: u64) -> (Vec<u64>, Result<(), u64>) {
        let mut taken = Vec::new();
        let ended = for_each(
            0..20_u64,
            NonZeroUsize::new(threads).unwrap(),
            |item| item * item,
            |square| {
                taken.push(square);
                if square < limit { Ok(()) } else { Err(square) }
            },
        );
        (taken, ended)
    }

    #[test]
    fn results_come_in_the_order_of_the_items_however_many_threads_there_are() {
        let expected: Vec<u64> = (0..20).map(|item| item * item).collect();
        for threads in [1, 2, 3, 7, 50] {
            assert_eq!(squares(threads, u64::MAX), (expected.clone(), Ok(())), "{threads} threads");
        }
    }

    #[test]
    fn a_panic_in_a_thread_is_one_of_the_caller() {
        let threads = NonZeroUsize::new(3).unwrap();
        let run = || for_each(0..20_u64, threads, |item| assert!(item != 7), |()| Ok::<(), ()>(()));
        assert!(catch_unwind(run).is_err());
    }

    #[test]
    fn the_first_refusal_ends_the_work_and_nothing_is_taken_after_it() {
        for threads in [1, 2, 3, 7, 50] {
            assert_eq!(squares(threads, 9), (vec![0, 1, 4, 9], Err(9)), "{threads} threads");
        }
    }
}
