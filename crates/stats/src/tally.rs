//! How often each symbol of a sequence occurs.

/// Symbols below this are counted in a table, which is faster than sorting them.
const TABLE: usize = 256;

/// Returns the different symbols in ascending order, with how often each occurs.
pub(crate) fn tally(sequence: &[u32]) -> Vec<(u32, usize)> {
    if sequence.iter().all(|&symbol| (symbol as usize) < TABLE) {
        let mut table = [0; TABLE];
        for &symbol in sequence {
            table[symbol as usize] += 1;
        }
        return (0..).zip(table).filter(|&(_, count)| count > 0).collect();
    }
    let mut symbols = sequence.to_vec();
    symbols.sort_unstable();
    symbols.chunk_by(|a, b| a == b).map(|equal| (equal[0], equal.len())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_counted_in_ascending_order_however_large_they_are() {
        assert_eq!(tally(&[]), []);
        assert_eq!(tally(&[255, 3, 255]), [(3, 1), (255, 2)]);
        assert_eq!(tally(&[u32::MAX, 3, 256, 3]), [(3, 2), (256, 1), (u32::MAX, 1)]);
    }
}
