//! The made-up organisation: devices, people, programs and their hashes. The same seed makes the same world.
use super::words::{DOCUMENTS, FAMILIES, HOSTS, PEOPLE, PROGRAMS, SCRIPTS, SITES, TOOLS};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fmt::Write;

pub struct Device {
    pub id: String,
    pub name: String,
    pub group: &'static str,
    pub address: String,
    /// Position of the person whom it belongs to.
    pub owner: usize,
}

pub struct Person {
    pub name: String,
    pub domain: &'static str,
    pub sid: String,
    pub upn: String,
    pub object_id: String,
}

/// How many releases of a program are about. Nearly all devices have one of the first [`COMMON_RELEASES`].
pub const RELEASES: usize = 64;
pub const COMMON_RELEASES: usize = 3;

/// One release of a program: what its file is known by.
pub struct Release {
    pub version: String,
    pub sha1: String,
    pub sha256: String,
    pub md5: String,
    pub size: i64,
}

/// A file that alerts are about.
pub struct Malware {
    pub file: String,
    pub folder: &'static str,
    pub release: Release,
    pub family: &'static str,
}

pub struct World {
    pub tenant: String,
    pub devices: Vec<Device>,
    pub people: Vec<Person>,
    /// Releases of each of [`PROGRAMS`], then of each of [`TOOLS`].
    pub releases: Vec<Vec<Release>>,
    pub malware: Vec<Malware>,
    pub addresses: Vec<String>,
    pub some_device: Zipf,
    pub some_person: Zipf,
    pub some_program: Zipf,
    pub some_malware: Zipf,
    pub some_address: Zipf,
}

const GROUPS: [&str; 5] = ["Workstations", "Servers", "Büro Süd", "Build", "Executives"];
pub const SERVICE_SIDS: [(&str, &str); 3] =
    [("system", "S-1-5-18"), ("local service", "S-1-5-19"), ("network service", "S-1-5-20")];

/// Draws positions, the first ones far more often than the last.
pub struct Zipf {
    /// Running sums of the weights.
    sums: Vec<f64>,
}

impl Zipf {
    fn new(count: usize, exponent: f64) -> Zipf {
        let mut sum = 0.0;
        let sums = (1..=count.max(1)).map(|rank| {
            sum += (rank as f64).powf(-exponent);
            sum
        });
        Zipf { sums: sums.collect() }
    }

    pub fn draw(&self, rng: &mut impl Rng) -> usize {
        let all = self.sums.last().copied().unwrap_or(1.0);
        let at = rng.random::<f64>() * all;
        self.sums.partition_point(|sum| *sum < at).min(self.sums.len() - 1)
    }
}

impl World {
    pub fn new(seed: u64, rows: u64) -> World {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let devices = (rows / 400).clamp(40, 50_000) as usize;
        let people = (devices * 4 / 5).max(30);
        let domain = format!("S-1-5-21-{}-{}-{}", rng.random::<u32>(), rng.random::<u32>(), rng.random::<u32>());
        let people: Vec<Person> = (0..people)
            .map(|number| {
                let (given, family, account) = PEOPLE[number % PEOPLE.len()];
                let mut name =
                    if account.is_empty() { format!("{given}.{family}").to_lowercase() } else { account.to_owned() };
                if number >= PEOPLE.len() {
                    let _ = write!(name, "{}", number / PEOPLE.len());
                }
                let upn = format!("{name}@contoso.example");
                let domain_name = if number % 7 == 6 { "fabrikam" } else { "contoso" };
                Person {
                    sid: format!("{domain}-{}", 1100 + number),
                    object_id: guid(rng),
                    upn: if number % 11 == 10 { String::new() } else { upn },
                    name,
                    domain: domain_name,
                }
            })
            .collect();
        let devices = (0..devices)
            .map(|number| {
                let site = SITES[number * number % SITES.len()];
                let group = GROUPS[rng.random_range(0..GROUPS.len())];
                let kind = match group {
                    "Servers" => "srv",
                    "Build" => "bld",
                    _ => "ws",
                };
                Device {
                    id: hex(rng, 40),
                    name: format!("{kind}-{number:05}.{site}"),
                    group,
                    address: format!("10.{}.{}.{}", number >> 16 & 255, number >> 8 & 255, number & 255),
                    owner: rng.random_range(0..people.len()),
                }
            })
            .collect();
        let releases = (0..PROGRAMS.len() + TOOLS.len())
            .map(|number| (0..RELEASES).map(|release| Release::new(rng, number * RELEASES + release)).collect())
            .collect();
        let malware: Vec<Malware> = (0..400)
            .map(|number| Malware {
                file: match number % 4 {
                    0 => format!("{}.exe", hex(rng, 8)),
                    1 => format!("{}.dll", hex(rng, 6)),
                    2 => format!("{}.docm", DOCUMENTS[number % DOCUMENTS.len()]),
                    _ => TOOLS[number % TOOLS.len()].0.to_owned(),
                },
                folder: [r"C:\Users\Public", r"C:\Temp", r"C:\ProgramData", r"C:\Windows\Temp"][number % 4],
                release: Release::new(rng, number),
                family: FAMILIES[number % FAMILIES.len()],
            })
            .collect();
        // Addresses that are set aside for documentation.
        let addresses = (0..600)
            .map(|number| match number % 4 {
                0 => format!("192.0.2.{}", number % 256),
                1 => format!("198.51.100.{}", number % 256),
                2 => format!("203.0.113.{}", number % 256),
                _ => format!("2001:db8::{number:x}"),
            })
            .collect::<Vec<_>>();
        World {
            tenant: guid(rng),
            some_device: Zipf::new(Vec::len(&devices), 0.7),
            some_person: Zipf::new(people.len(), 0.8),
            some_program: Zipf::new(PROGRAMS.len(), 1.0),
            some_malware: Zipf::new(malware.len(), 1.0),
            some_address: Zipf::new(addresses.len(), 0.9),
            devices,
            people,
            releases,
            malware,
            addresses,
        }
    }

    /// Fills the `{…}` of a template.
    pub fn fill(&self, template: &str, device: &Device, person: &Person, rng: &mut impl Rng, out: &mut String) {
        out.clear();
        let mut rest = template;
        while let Some(open) = rest.find('{') {
            out.push_str(&rest[..open]);
            rest = &rest[open..];
            let Some(close) = rest.find('}') else { break };
            match &rest[1..close] {
                "user" => out.push_str(&person.name),
                "device" => out.push_str(&device.name),
                "script" => out.push_str(SCRIPTS[rng.random_range(0..SCRIPTS.len())]),
                "document" => out.push_str(DOCUMENTS[rng.random_range(0..DOCUMENTS.len())]),
                "host" => push_host(rng, out),
                "ip" => out.push_str(&self.addresses[self.some_address.draw(rng)]),
                "n" => push_number(rng.random_range(1_000..900_000), out),
                "n2" => push_number(rng.random_range(10..60), out),
                "hex8" => push_hex(rng, 8, out),
                "printer" => {
                    let _ = write!(out, r"\\print01\P{}", rng.random_range(1..40));
                }
                "share" => {
                    let _ = write!(out, r"\\files{:02}\team{}", rng.random_range(1..9), rng.random_range(1..90));
                }
                "guid" => {
                    let _ = write!(out, "{{{}}}", guid(rng));
                }
                "url" => {
                    out.push_str("https://");
                    push_host(rng, out);
                    let script = SCRIPTS[rng.random_range(0..SCRIPTS.len())];
                    let _ = write!(out, "/{script}?id={}", rng.random::<u16>());
                }
                "b64" => {
                    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
                    // Text of two bytes a character, as PowerShell takes it: every second byte is zero.
                    for _ in 0..rng.random_range(12..40) {
                        let bits = rng.random::<u32>();
                        out.push(char::from(DIGITS[bits as usize & 63]));
                        out.push(['A', 'Q', 'g', 'w'][bits as usize >> 6 & 3]);
                        out.push(char::from(DIGITS[bits as usize >> 8 & 63]));
                        out.push('A');
                    }
                }
                // Braces of the command line's own.
                other => {
                    let _ = write!(out, "{{{other}}}");
                }
            }
            rest = &rest[close + 1..];
        }
        out.push_str(rest);
    }
}

impl Release {
    fn new(rng: &mut impl Rng, number: usize) -> Release {
        Release {
            version: format!("10.{}.{}.{}", number % 4, rng.random_range(10_000..26_000), rng.random_range(1..4_000)),
            sha1: hex(rng, 40),
            // Often nobody has computed it.
            sha256: if number % 6 == 5 { String::new() } else { hex(rng, 64) },
            md5: hex(rng, 32),
            size: rng.random_range(9_000..4_000_000),
        }
    }
}

/// A host that many ask for or, rarely, one that hardly anybody does: what a hunter looks for.
fn push_host(rng: &mut impl Rng, out: &mut String) {
    if rng.random_range(0..1_000) > 0 {
        return out.push_str(HOSTS[rng.random_range(0..HOSTS.len())]);
    }
    out.push_str("cdn-");
    push_hex(rng, 6, out);
    out.push_str(".example");
}

fn push_number(number: u32, out: &mut String) {
    let _ = write!(out, "{number}");
}

pub fn push_hex(rng: &mut impl Rng, digits: usize, out: &mut String) {
    let mut left = digits;
    while left > 0 {
        let mut bits = rng.random::<u64>();
        for _ in 0..left.min(16) {
            out.push(char::from(b"0123456789abcdef"[(bits & 15) as usize]));
            bits >>= 4;
        }
        left -= left.min(16);
    }
}

pub fn hex(rng: &mut impl Rng, digits: usize) -> String {
    let mut out = String::with_capacity(digits);
    push_hex(rng, digits, &mut out);
    out
}

pub fn guid(rng: &mut impl Rng) -> String {
    crate::value::guid::text(rng.random())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parent_is_a_program_and_every_template_is_filled() {
        let world = World::new(1, 0);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut out = String::new();
        for program in PROGRAMS {
            assert!(program.parents.iter().all(|parent| *parent < PROGRAMS.len()));
        }
        for line in
            PROGRAMS.iter().flat_map(|program| program.lines).chain(TOOLS.iter().flat_map(|(_, _, lines)| *lines))
        {
            world.fill(line, &world.devices[0], &world.people[0], &mut rng, &mut out);
            assert!(!out.contains("{n") && !out.contains("{hex") && !out.contains("{u"), "{out}");
        }
    }
}
