//! Work in several threads whose results come back in the order of the work, so that they do not depend on the threads.

use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Maps items in up to `threads` threads, and hands every result to `take` in the order of the items, until it refuses one.
///
/// At most `2 · threads` items and results are held at a time: while some are mapped, the results of those before them are
/// taken and the items after them are fetched.
pub(crate) fn for_each<T: Send, U: Send, E>(
    items: impl Iterator<Item = T>,
    threads: NonZeroUsize,
    map: impl Fn(T) -> U + Sync,
    mut take: impl FnMut(U) -> Result<(), E>,
) -> Result<(), E> {
    let mut items = items.fuse();
    if threads.get() == 1 {
        return items.map(map).try_for_each(take);
    }
    let mut fetch = || items.by_ref().take(threads.get()).collect::<Vec<T>>();
    let (mut round, mut results) = (fetch(), Vec::new());
    while !round.is_empty() {
        let meanwhile = || results.drain(..).try_for_each(&mut take).map(|()| fetch());
        let (mapped, following) = map_round(round, &map, meanwhile);
        (round, results) = (following?, mapped);
    }
    results.into_iter().try_for_each(take)
}

/// Maps every item in a thread of its own, and does something else meanwhile.
fn map_round<T: Send, U: Send, V>(
    items: Vec<T>,
    map: &(impl Fn(T) -> U + Sync),
    meanwhile: impl FnOnce() -> V,
) -> (Vec<U>, V) {
    let items: Vec<Mutex<Option<T>>> = items.into_iter().map(|item| Mutex::new(Some(item))).collect();
    let mapped = |item: &Mutex<Option<T>>| {
        let item = item.lock().unwrap_or_else(PoisonError::into_inner).take();
        item.map(map)
    };
    thread::scope(|scope| {
        let started: Vec<_> = items
            .iter()
            .map(|item| (item, thread::Builder::new().spawn_scoped(scope, move || mapped(item))))
            .collect();
        let other = meanwhile();
        let results = started.into_iter().filter_map(|(item, thread)| match thread {
            Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            // The host gives no further thread, so this one does the work.
            Err(_) => mapped(item),
        });
        (results.collect(), other)
    })
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
    fn the_first_refusal_ends_the_work_and_nothing_is_taken_after_it() {
        for threads in [1, 2, 3, 7, 50] {
            assert_eq!(squares(threads, 9), (vec![0, 1, 4, 9], Err(9)), "{threads} threads");
        }
    }
}
