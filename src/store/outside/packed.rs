//! Data that came packed: gzip, or a zip archive with one file in it.
use super::{OutsideError, unreadable};
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use std::io::Read;

/// The bytes unpacked, and at most one more than `most` of them.
pub fn unpacked(packed: Vec<u8>, most: u64) -> Result<Vec<u8>, OutsideError> {
    let mut bytes = Vec::new();
    if packed.starts_with(b"\x1f\x8b") {
        MultiGzDecoder::new(&*packed).take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        return Ok(bytes);
    }
    if !packed.starts_with(b"PK\x03\x04") {
        return Ok(packed);
    }
    let (method, content) = only_file(&packed)?;
    match method {
        0 => bytes.extend_from_slice(content),
        8 => {
            DeflateDecoder::new(content).take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        }
        _ => return Err(wrong("an archive is packed in a way that is not read here")),
    }
    Ok(bytes)
}

fn wrong(what: &str) -> OutsideError {
    OutsideError::Unreadable(what.to_owned())
}

/// The way in which the only file of a zip archive is packed, and its packed bytes.
/// <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>
fn only_file(archive: &[u8]) -> Result<(u16, &[u8]), OutsideError> {
    let broken = || wrong("the archive is broken");
    // The directory stands at the end, before a comment of at most 65,535 bytes.
    let last = archive.len().checked_sub(22).ok_or_else(broken)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    let end = (first..=last).rev().find(|at| archive[*at..].starts_with(b"PK\x05\x06")).ok_or_else(broken)?;
    let entries = short(archive, end + 10).ok_or_else(broken)?;
    let mut at = long(archive, end + 16).ok_or_else(broken)?;
    let mut found = None;
    for _ in 0..entries {
        if !archive.get(at..).is_some_and(|rest| rest.starts_with(b"PK\x01\x02")) {
            return Err(broken());
        }
        let read = |offset: usize| short(archive, at + offset).ok_or_else(broken);
        let (flags, method, name) = (read(8)?, read(10)?, usize::from(read(28)?));
        let size = long(archive, at + 20).ok_or_else(broken)?;
        let start = long(archive, at + 42).ok_or_else(broken)?;
        let is_folder = archive.get(at + 46..at + 46 + name).is_some_and(|name| name.ends_with(b"/"));
        if !is_folder {
            if flags & 1 != 0 {
                return Err(wrong("the archive is encrypted"));
            }
            if found.replace((method, start, size)).is_some() {
                return Err(wrong("the archive has more than one file"));
            }
        }
        at += 46 + name + usize::from(read(30)?) + usize::from(read(32)?);
    }
    let (method, start, size) = found.ok_or_else(|| wrong("the archive has no file"))?;
    let name = short(archive, start.saturating_add(26)).ok_or_else(broken)?;
    let extra = short(archive, start.saturating_add(28)).ok_or_else(broken)?;
    let from = start.saturating_add(30 + usize::from(name) + usize::from(extra));
    let content = archive.get(from..from.saturating_add(size)).ok_or_else(broken)?;
    Ok((method, content))
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(bytes.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    usize::try_from(u32::from_le_bytes(bytes.try_into().ok()?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with a common archiver: `a.csv` with `x,1`, deflated; then with `b.csv` beside it.
    const ONE: &str = "UEsDBBQAAAAIAAAAIVgSyHUqCAAAACAAAAAFAAAAYS5jc3ar0DHkqsCDAVBLAQIUAxQAAAAIAAAAIVgSyHUqCAAAACAAAAAFAAAAAAAAAAAAAACAAQAAAABhLmNzdlBLBQYAAAAAAQABADMAAAArAAAAAAA=";
    const TWO: &str = "UEsDBBQAAAAIAAAAIViDFtyMAwAAAAEAAAAFAAAAYS5jc3arAABQSwMEFAAAAAgAAAAhWBUm2/sDAAAAAQAAAAUAAABiLmNzdqsEAFBLAQIUAxQAAAAIAAAAIViDFtyMAwAAAAEAAAAFAAAAAAAAAAAAAACAAQAAAABhLmNzdlBLAQIUAxQAAAAIAAAAIVgVJtv7AwAAAAEAAAAFAAAAAAAAAAAAAACAASYAAABiLmNzdlBLBQYAAAAAAgACAGYAAABMAAAAAAA=";

    fn archive(text: &str) -> Vec<u8> {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.decode(text).unwrap()
    }

    #[test]
    fn an_archive_of_one_file_is_unpacked() {
        let told = |bytes: Vec<u8>| unpacked(bytes, 100).map_err(|error| error.to_string());
        assert_eq!(told(archive(ONE)), Ok(b"x,1\n".repeat(8)));
        assert_eq!(told(archive(TWO)), Err("cannot be read: the archive has more than one file".into()));
        assert_eq!(told(b"plain".to_vec()), Ok(b"plain".to_vec()));
        // Cut or changed anywhere, it is refused or read, and nothing breaks.
        let whole = archive(ONE);
        for at in 0..whole.len() {
            let _ = told(whole[..at].to_vec());
            let mut changed = whole.clone();
            changed[at] ^= 0xff;
            let _ = told(changed);
        }
    }
}
