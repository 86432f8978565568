//! Needles in the bytes of many texts at once, as a page of Parquet has them: one behind the other, each behind its length.
//! A search passes over most texts without a look at where they begin and end.
use super::predicates::{Needle, Way, find_ascii, rank};
use aho_corasick::{Span, packed};
use memchr::memmem;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::str::Utf8Error;

/// Texts in bytes, with other bytes between them.
#[derive(Clone, Copy, Debug)]
pub struct InBytes<'a> {
    pub bytes: &'a [u8],
    /// Where each begins and ends, in the order of the bytes.
    pub places: &'a [(u32, u32)],
}

/// A search for whatever every text has that matches.
#[derive(Clone, Debug)]
pub enum Seek {
    /// An ASCII needle in any letter case: by three of its bytes, which are there in the needle, a vector at a time.
    Three(Box<[u8]>, usize, packed::Searcher),
    /// A needle that is too short for that.
    Short(Box<[u8]>, usize),
    Exact(Box<memmem::Finder<'static>>),
    /// One of these, as they are.
    Exactly(packed::Searcher),
}

impl Seek {
    /// `None` where the needle's letter case does not count beyond ASCII, or it is in every text.
    pub fn needle(needle: &Needle) -> Option<Seek> {
        let bytes = needle.text().as_bytes();
        match needle.way() {
            _ if bytes.is_empty() => None,
            Way::Folded(_) => None,
            Way::Exact(finder) => Some(Seek::Exact(finder.clone())),
            Way::Ascii(at) => Some(Seek::three(bytes).unwrap_or_else(|| Seek::Short(bytes.into(), *at))),
        }
    }

    /// For texts that have one of these.
    pub fn exactly(needles: &[&[u8]]) -> Option<Seek> {
        match needles {
            _ if needles.iter().any(|needle| needle.is_empty()) => None,
            [needle] => Some(Seek::Exact(Box::new(memmem::Finder::new(needle).into_owned()))),
            needles => {
                let mut builder = packed::Config::new().builder();
                builder.extend(needles);
                builder.build().map(Seek::Exactly)
            }
        }
    }

    fn three(needle: &[u8]) -> Option<Seek> {
        let letters = |three: &[u8]| three.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
        let rare = |three: &[u8]| three.iter().map(|byte| rank(*byte)).sum::<usize>();
        let threes = needle.windows(3).enumerate();
        let (at, three) = threes.min_by_key(|(_, three)| (letters(three), Reverse(rare(three))))?;
        let cases = (0u8..8).map(|upper| {
            let case = |place: usize| match upper >> place & 1 {
                0 => three[place].to_ascii_lowercase(),
                _ => three[place].to_ascii_uppercase(),
            };
            [case(0), case(1), case(2)]
        });
        let mut builder = packed::Config::new().builder();
        builder.extend(cases.collect::<BTreeSet<_>>());
        Some(Seek::Three(needle.into(), at, builder.build()?))
    }

    /// Whether something is found in these bytes.
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        self.next(bytes, 0).is_some()
    }

    /// Where the next find begins, from an offset on. A text that matches has one, or it begins before the offset.
    fn next(&self, bytes: &[u8], from: usize) -> Option<usize> {
        let rest = bytes.get(from..)?;
        match self {
            Seek::Three(needle, at, searcher) => {
                let mut look = from;
                loop {
                    let found = searcher.find_in(bytes, Span::from(look..bytes.len()))?.start();
                    look = found + 1;
                    let start = found.checked_sub(*at).filter(|start| *start >= from);
                    let there = start.and_then(|start| bytes.get(start..start + needle.len()));
                    if there.is_some_and(|there| there.eq_ignore_ascii_case(needle)) {
                        return start;
                    }
                }
            }
            Seek::Short(needle, at) => find_ascii(rest, needle, *at).map(|at| from + at),
            Seek::Exact(finder) => finder.find(rest).map(|at| from + at),
            Seek::Exactly(searcher) => {
                searcher.find_in(bytes, Span::from(from..bytes.len())).map(|found| found.start())
            }
        }
    }
}

impl InBytes<'_> {
    /// Tells of each text whether it matches. Those that the search finds nothing in are not looked at.
    pub fn matching(
        self,
        seek: Option<&Seek>,
        mut matches: impl FnMut(&[u8]) -> Result<bool, Utf8Error>,
        out: &mut Vec<bool>,
    ) -> Result<(), Utf8Error> {
        let InBytes { bytes, places } = self;
        let mut matches = |(start, end): (u32, u32)| matches(&bytes[start as usize..end as usize]);
        let first = out.len();
        let Some(seek) = seek else {
            for place in places {
                out.push(matches(*place)?);
            }
            return Ok(());
        };
        out.resize(first + places.len(), false);
        let (Some((start, _)), Some((_, end))) = (places.first(), places.last()) else { return Ok(()) };
        let (bytes, mut from, mut at) = (&bytes[..*end as usize], *start as usize, 0);
        while let Some(found) = seek.next(bytes, from) {
            while places.get(at).is_some_and(|(_, end)| *end as usize <= found) {
                at += 1;
            }
            let Some(place) = places.get(at) else { break };
            from = found + 1;
            if found >= place.0 as usize {
                out[first + at] = matches(*place)?;
                from = place.1 as usize;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::predicates::Kind;
    use super::*;
    use std::str::from_utf8;

    /// Texts as a page has them.
    fn page(texts: &[String]) -> (Vec<u8>, Vec<(u32, u32)>) {
        let (mut bytes, mut places) = (Vec::new(), Vec::new());
        for text in texts {
            bytes.extend((text.len() as u32).to_le_bytes());
            let start = bytes.len() as u32;
            bytes.extend(text.as_bytes());
            places.push((start, bytes.len() as u32));
        }
        (bytes, places)
    }

    fn texts() -> Vec<String> {
        let parts = ["abc", "ABba19-", " 9-9", "b", "", "é", "cmd", ".exe", "powers", "hell ", "-e", "tempo", "x", "_"];
        let part = |number: usize| parts[number * 7919 / 13 % parts.len()];
        (0..3_000usize)
            .map(|row| match row % 97 {
                // As long as a letter's code, so that the length looks like a part of the text before it.
                0 => "s".repeat(usize::from(b's')),
                1 => "abc ".repeat(12_000),
                _ => (0..row % 6).map(|at| part(row * 31 + at * 17)).collect(),
            })
            .collect()
    }

    #[test]
    fn needles_are_found_as_in_one_text_after_the_other() {
        let texts = texts();
        let (bytes, places) = page(&texts);
        for kind in [Kind::Has, Kind::Contains, Kind::StartsWith, Kind::Equals, Kind::ContainsCs, Kind::HasSuffixCs] {
            for needle in
                ["abc", "ABba19-", "9-9", "b", "a1", "é", "", "powers", "s", "-e", "abcabc", "hell 9-9", "no such"]
            {
                let needle = Needle::new(kind, needle);
                // With all of the texts, and with other texts between some of them.
                for step in [1, 2, 5] {
                    let places: Vec<(u32, u32)> = places.iter().copied().step_by(step).collect();
                    let page = InBytes { bytes: &bytes, places: &places };
                    let mut out = vec![true];
                    let mut look = |text: &[u8]| Ok(needle.matches(from_utf8(text)?));
                    page.matching(Seek::needle(&needle).as_ref(), &mut look, &mut out).unwrap();
                    assert_eq!(out.len(), places.len() + 1);
                    for (text, found) in texts.iter().step_by(step).zip(&out[1..]) {
                        assert_eq!(*found, needle.matches(text), "{kind:?} {needle:?} {text}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_text_that_is_none_is_an_error_where_it_is_looked_at() {
        let (bytes, places) = (b"abc\xff def abc".as_slice(), [(0, 4), (5, 8), (9, 12)]);
        let page = InBytes { bytes, places: &places };
        let seek = |needle: &str| Seek::needle(&Needle::new(Kind::Contains, needle));
        let mut out = Vec::new();
        let mut look = |text: &[u8]| from_utf8(text).map(|_| true);
        assert!(page.matching(seek("abc").as_ref(), &mut look, &mut out).is_err());
        out.clear();
        page.matching(seek("def").as_ref(), &mut look, &mut out).unwrap();
        assert_eq!(out, [false, true, false]);
    }
}
