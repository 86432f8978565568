//! Functions of the hunting service that go over stored tables here, each a text in KQL; and watchlists, which are tables
//! of the owner's own. What only the service knows is empty, and the answer says so.
use super::saved::Saved;
use crate::catalog::{Tables, WATCHLIST};
use crate::text::Diagnostics;
use std::sync::LazyLock;

/// By this function a watchlist is read, and by this one their names.
pub const GET_WATCHLIST: &str = "_GetWatchlist";
pub const GET_WATCHLIST_ALIAS: &str = "_GetWatchlistAlias";

/// One function, and what its answers leave out.
struct Provided {
    name: &'static str,
    text: &'static str,
    notice: &'static str,
}

const PROVIDED: &[Provided] = &[
    Provided {
        name: "FileProfile",
        text: include_str!("file_profile.kql"),
        notice: "`FileProfile` tells what the stored tables know of a file: prevalence, first and last seen, and threat \
            names are empty",
    },
    Provided {
        name: "SeenBy",
        text: include_str!("seen_by.kql"),
        notice: "`SeenBy` names the devices whose stored network events and logons have an address that is known as the \
            device's last",
    },
    Provided {
        name: "DeviceFromIP",
        text: include_str!("device_from_ip.kql"),
        notice: "`DeviceFromIP` reads the stored rows of `DeviceNetworkInfo`",
    },
    Provided {
        name: "AssignedIPAddresses",
        text: include_str!("assigned_ip_addresses.kql"),
        notice: "`AssignedIPAddresses` reads the stored rows of `DeviceNetworkInfo`",
    },
];

fn read() -> Vec<(Result<Saved, Diagnostics>, &'static str)> {
    PROVIDED.iter().map(|one| (Saved::read(one.name, one.text), one.notice)).collect()
}

/// The functions with their notices; that all texts can be read is tested.
static FUNCTIONS: LazyLock<Vec<(Saved, &'static str)>> =
    LazyLock::new(|| read().into_iter().filter_map(|(saved, notice)| Some((saved.ok()?, notice))).collect());

pub fn functions() -> &'static [(Saved, &'static str)] {
    &FUNCTIONS
}

/// Whether a name is that of one of these.
pub fn has(name: &str) -> bool {
    matches!(name, GET_WATCHLIST | GET_WATCHLIST_ALIAS) || PROVIDED.iter().any(|one| one.name == name)
}

/// The names of all watchlists.
pub fn watchlists(tables: &dyn Tables) -> Vec<String> {
    let names = tables.names();
    names.iter().filter_map(|name| name.strip_prefix(WATCHLIST).map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bind::{Context, kql};
    use crate::catalog::Known;
    use crate::syntax::kql::parse;
    use crate::text::{Source, render};
    use crate::types::{Schema, Type};
    use std::sync::Arc;

    /// The catalogue and a watchlist.
    struct WithWatchlist;

    impl Tables for WithWatchlist {
        fn schema(&self, table: &str) -> Option<Arc<Schema>> {
            let own = || Arc::new(Schema::new([("Address", Type::String), ("Tag", Type::String)]));
            if table == "Watchlist_Known" { Some(own()) } else { Known.schema(table) }
        }

        fn hidden(&self, table: &str) -> Vec<(String, String, Type)> {
            Known.hidden(table)
        }

        fn names(&self) -> Vec<String> {
            let mut names = Known.names();
            names.push("Watchlist_Known".into());
            names
        }
    }

    fn columns(text: &str) -> String {
        let source = Source::new(text);
        let context = Context { tables: &WithWatchlist, now: 0, parameters: &[], data: None, saved: &[] };
        match parse(&source).into_result().and_then(|tree| kql(&tree, &context)) {
            Ok(bound) => {
                let rel = &bound.results[0].rel;
                let columns = rel.schema.columns.iter().map(|column| format!("{}:{}", column.name, column.ty));
                let notices = bound.notices.iter().map(|notice| format!("\nnote: {notice}"));
                columns.collect::<Vec<_>>().join(", ") + &notices.collect::<String>()
            }
            Err(faults) => render::render(&source, &faults),
        }
    }

    #[test]
    fn every_text_can_be_read() {
        for (saved, _) in read() {
            let saved = saved.unwrap();
            assert!(!saved.parts().1.is_empty(), "{}", saved.name);
        }
    }

    #[test]
    fn the_columns_are_those_of_the_service() {
        insta::assert_snapshot!(columns("DeviceFileEvents | project X = 1, SHA1 | invoke FileProfile(SHA1, 1000)"), @r#"
        X:long, SHA1:string, SHA256:string, MD5:string, FileSize:long, GlobalPrevalence:long, GlobalFirstSeen:datetime, GlobalLastSeen:datetime, Signer:string, Issuer:string, SignerHash:string, IsCertificateValid:bool, IsRootSignerMicrosoft:bool, SignatureState:string, IsExecutable:bool, ThreatName:string, Publisher:string, SoftwareName:string, ProfileAvailability:string
        note: `FileProfile` tells what the stored tables know of a file: prevalence, first and last seen, and threat names are empty
        "#);
        insta::assert_snapshot!(columns("DeviceNetworkEvents | project InitiatingProcessSHA256 | invoke FileProfile('InitiatingProcessSHA256') | project SHA1, FileSize"), @r#"
        SHA1:string, FileSize:long
        note: `FileProfile` tells what the stored tables know of a file: prevalence, first and last seen, and threat names are empty
        "#);
        insta::assert_snapshot!(columns("DeviceInfo | project DeviceId | invoke SeenBy() | mv-expand SeenBy"), @r#"
        DeviceId:string, SeenBy:dynamic
        note: `SeenBy` names the devices whose stored network events and logons have an address that is known as the device's last
        "#);
        insta::assert_snapshot!(columns("DeviceNetworkEvents | project IP = LocalIP | invoke DeviceFromIP()"), @r#"
        IP:string, DeviceId:string
        note: `DeviceFromIP` reads the stored rows of `DeviceNetworkInfo`
        "#);
        insta::assert_snapshot!(columns("AssignedIPAddresses('a', ago(1d)) | take 1"), @r#"
        Timestamp:datetime, IPAddress:string, IPType:string, NetworkAdapterType:string, ConnectedNetworks:string
        note: `AssignedIPAddresses` reads the stored rows of `DeviceNetworkInfo`
        "#);
        insta::assert_snapshot!(columns("_GetWatchlist('Known') | where SearchKey == 'a'"), @"Address:string, Tag:string, SearchKey:string");
        insta::assert_snapshot!(columns("let w = _GetWatchlist('Known') | project Address; DeviceInfo | where DeviceName in (w) | count"), @"Count:long");
        insta::assert_snapshot!(columns("_GetWatchlistAlias"), @"WatchlistAlias:string");
    }

    #[test]
    fn what_cannot_be_answered_is_refused() {
        insta::assert_snapshot!(columns("DeviceInfo | invoke FileProfile()"), @r#"
        error[K0102]: no column is named `SHA1`
         --> query:1:14
          |
        1 | DeviceInfo | invoke FileProfile()
          |              ^^^^^^^^^^^^^^^^^^^^
        "#);
        insta::assert_snapshot!(columns("DeviceFileEvents | invoke FileProfile(FileSize)"), @r#"
        error[K0201]: the column `FileSize` must be string, not long
         --> query:1:39
          |
        1 | DeviceFileEvents | invoke FileProfile(FileSize)
          |                                       ^^^^^^^^
        "#);
        insta::assert_snapshot!(columns("DeviceFileEvents | invoke DeviceFromIP()"), @r#"
        error[K0102]: this table has no column `IP`
         --> query:1:20
          |
        1 | DeviceFileEvents | invoke DeviceFromIP()
          |                    ^^^^^^^^^^^^^^^^^^^^^
        "#);
        insta::assert_snapshot!(columns("_GetWatchlist('Unknown')"), @r#"
        error[K0901]: no watchlist is named `Unknown`
         --> query:1:15
          |
        1 | _GetWatchlist('Unknown')
          |               ^^^^^^^^^
          = help: did you mean `Known`?
        "#);
    }
}
