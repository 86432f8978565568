//! The known name that is nearest to a mistyped one.

/// The nearest of `known` to `written`: letter case aside, at most a third of the letters may differ.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower: Vec<char> = written.to_lowercase().chars().take(64).collect();
    let bound = (lower.len() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for name in known {
        if name.len().abs_diff(written.len()) > bound + 2 {
            continue;
        }
        let other: Vec<char> = name.to_lowercase().chars().take(64).collect();
        let distance = edits(&lower, &other);
        if distance <= bound && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| name)
}

/// Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut least = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_a_swap_and_a_missing_letter() {
        let known = ["Severity", "Category", "DeviceId"];
        assert_eq!(nearest("Severty", known), Some("Severity"));
        assert_eq!(nearest("DeivceId", known), Some("DeviceId"));
        assert_eq!(nearest("Zebra", known), None);
    }
}
