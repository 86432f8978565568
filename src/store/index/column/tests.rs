use super::*;
use crate::functions::predicates::{self, Kind};
use crate::store::index::{Wanted, kept};
use proptest::prelude::*;

const ALL: [Kind; 14] = [
    Kind::Has,
    Kind::HasCs,
    Kind::HasPrefix,
    Kind::HasPrefixCs,
    Kind::HasSuffix,
    Kind::HasSuffixCs,
    Kind::Contains,
    Kind::ContainsCs,
    Kind::StartsWith,
    Kind::StartsWithCs,
    Kind::EndsWith,
    Kind::EndsWithCs,
    Kind::Equals,
    Kind::EqualsCs,
];

/// The index of some texts, so many a page.
fn built(texts: &[String], page: usize, budget: usize) -> (Vec<u8>, u32) {
    built_in(texts, page, budget, Detail::Most)
}

fn built_in(texts: &[String], page: usize, budget: usize, detail: Detail) -> (Vec<u8>, u32) {
    let mut builder = Builder::new(false);
    for texts in texts.chunks(page) {
        texts.iter().for_each(|text| builder.add(text));
        builder.end_page();
    }
    (
        builder.draft().finish(budget, detail).map(|built| built.bytes).unwrap_or_default(),
        texts.len().div_ceil(page) as u32,
    )
}

fn missed(texts: &[String], page: usize, index: &[u8], pages: u32, needle: &str) -> Option<String> {
    for kind in ALL {
        let kept = kept(&Wanted::test("c", kind, needle), pages, &mut |_| Some(index));
        for (at, text) in texts.iter().enumerate() {
            if predicates::matches(kind, text, needle) && !kept.has((at / page) as u32) {
                return Some(format!("{text:?} {kind:?} {needle:?} in page {} of {pages}", at / page));
            }
        }
    }
    None
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-cA-C]{1,3}",
        2 => "[0-9]{1,5}",
        2 => "[0-9a-f]{4,12}",
        1 => "[a-z0-9]{30,60}",
        1 => "(ü|É|ß|日|İ|ǆ|ⓐ|\u{345}|_|K){1,3}",
        1 => "[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}",
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec((word(), "[ ._/-]{0,2}"), 0..6)
        .prop_map(|words| words.into_iter().map(|(word, between)| word + &between).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 150 } else { 2_000 }))]

    #[test]
    fn no_page_with_a_match_is_missed(
        texts in prop::collection::vec(text(), 1..60),
        needles in prop::collection::vec(text(), 1..8),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0usize..40, 1usize..20), 1..12),
        page in 1usize..12,
        budget in prop_oneof![Just(512usize), Just(100_000usize)],
        detail in prop_oneof![Just(Detail::Terms), Just(Detail::Parts), Just(Detail::Most)],
    ) {
        let (index, pages) = built_in(&texts, page, budget, detail);
        // Needles of their own, and pieces of the texts.
        let pieces = cuts.iter().map(|(text, from, length)| {
            text.get(&texts).chars().skip(*from).take(*length).collect::<String>()
        });
        for needle in needles.iter().cloned().chain(pieces) {
            prop_assert_eq!(missed(&texts, page, &index, pages, &needle), None);
        }
    }

    #[test]
    fn damaged_bytes_are_read_without_harm(
        texts in prop::collection::vec(text(), 1..40),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let (mut index, pages) = built(&texts, 3, 100_000);
        if index.is_empty() {
            return Ok(());
        }
        for (at, with) in damage {
            let at = at.index(index.len());
            index[at] ^= with;
        }
        for bytes in [index.as_slice(), &index[..cut.index(index.len())]] {
            if let Some(column) = Column::read(bytes, pages) {
                for kind in [Kind::Has, Kind::Contains, Kind::HasPrefix, Kind::HasSuffix] {
                    for needle in ["a", "abc", "12", "deadbeef12", "zzzzzzzz"] {
                        for piece in crate::store::index::terms::pieces(kind, needle) {
                            column.pages(&piece);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_needle_leaves_the_pages_that_it_is_in_and_few_others() {
    let texts: Vec<String> = (0..4_000u64)
        .map(|row| {
            let hash = row.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let rare = if row == 1_234 { " mimikatz.exe sekurlsa" } else { "" };
            format!("cmd.exe /c start{} {hash:016x} 10.{}.{}.7{rare}", row % 7, row % 256, row / 256)
        })
        .collect();
    let (index, pages) = built(&texts, 20, 1 << 20);
    let of = |kind, needle: &str| kept(&Wanted::test("c", kind, needle), pages, &mut |_| Some(&index)).len();
    assert_eq!(pages, 200);
    assert_eq!(of(Kind::Has, "mimikatz"), 1);
    assert_eq!(of(Kind::Contains, "imika"), 1);
    assert_eq!(of(Kind::HasSuffix, "urlsa"), 1);
    assert_eq!(of(Kind::HasPrefix, "seku"), 1);
    assert_eq!(of(Kind::Has, "absent"), 0);
    assert_eq!(of(Kind::Has, "cmd"), 200);
    let hash = 77u64.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    assert!(of(Kind::Has, &format!("{hash:016X}")) < 5);
    assert!(of(Kind::Has, "10.17.3.7") < 5);
    // A part of a number can be anywhere.
    assert_eq!(of(Kind::Contains, "3f3"), 200);
}

#[test]
fn words_with_digits_are_kept_by_shape_and_parts_of_numbers_are_found() {
    let texts: Vec<String> = (0..40_000u64)
        .map(|row| {
            let number = row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
            let rare = if row == 1_234 { " loader77.dll" } else { "" };
            format!("SearchProtocolHost.exe Global\\UsGthrFltPipe{row}_ taskhostw.exe {number:06x}{rare}")
        })
        .collect();
    let (index, pages) = built(&texts, 200, 1 << 20);
    let of = |kind, needle: &str| kept(&Wanted::test("c", kind, needle), pages, &mut |_| Some(&index)).len();
    assert_eq!(pages, 200);
    // Forty thousand words, which a dictionary of words as they are could not hold.
    let (terms, _) = built_in(&texts, 200, 1 << 20, Detail::Terms);
    assert!(terms.len() < 500_000, "{}", terms.len());
    assert_eq!(of(Kind::Contains, "fltpipe"), 200);
    assert_eq!(of(Kind::Contains, "sgthrfltpype"), 0);
    assert_eq!(of(Kind::Has, "loader77"), 1);
    assert_eq!(of(Kind::Has, "loader78"), 0);
    assert_eq!(of(Kind::Contains, "oader7"), 1);
    assert!(of(Kind::Has, "UsGthrFltPipe31999") < 5);
    let number = 77u64.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    assert!(of(Kind::Has, &format!("{number:06x}")) < 5);
    assert!(of(Kind::Contains, &format!("{number:06x}")) < 20);
    assert!(of(Kind::Contains, "Pipe31999") < 20);
}
