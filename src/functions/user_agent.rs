//! What browsers say of themselves, for `parse_user_agent`: the families that logs are full of, under the names that
//! the ua-parser project gives them. <https://github.com/ua-parser/uap-core>
use crate::value::Json;
use serde_json::Map;

/// The word before a version, and the family that it stands for. The first that stands in the text wins.
const BROWSERS: &[(&str, &str)] = &[
    ("AdobeAIR/", "AdobeAIR"),
    ("Series60/", "Nokia OSS Browser"),
    ("Googlebot/", "Googlebot"),
    ("bingbot/", "bingbot"),
    ("EdgA/", "Edge Mobile"),
    ("EdgiOS/", "Edge Mobile"),
    ("Edge/", "Edge"),
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("YaBrowser/", "Yandex Browser"),
    ("Vivaldi/", "Vivaldi"),
    ("UCBrowser/", "UC Browser"),
    ("FxiOS/", "Firefox iOS"),
    ("CriOS/", "Chrome Mobile iOS"),
    ("HeadlessChrome/", "HeadlessChrome"),
    ("Thunderbird/", "Thunderbird"),
    ("Firefox/", "Firefox"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("MSIE ", "IE"),
    ("Version/", "Safari"),
    ("curl/", "curl"),
    ("Wget/", "Wget"),
    ("python-requests/", "Python Requests"),
    ("okhttp/", "okhttp"),
    ("Go-http-client/", "Go-http-client"),
    ("Java/", "Java"),
    ("Opera/", "Opera"),
];

const WINDOWS: &[(&str, &str)] = &[
    ("Windows NT 10.0", "Windows 10"),
    ("Windows NT 6.3", "Windows 8.1"),
    ("Windows NT 6.2", "Windows 8"),
    ("Windows NT 6.1", "Windows 7"),
    ("Windows NT 6.0", "Windows Vista"),
    ("Windows NT 5.1", "Windows XP"),
    ("Windows NT 5.2", "Windows XP"),
    ("Windows NT 5.0", "Windows 2000"),
    ("Windows", "Windows"),
];

/// The words before the version of a system. Underscores part its numbers too.
const SYSTEMS: &[(&str, &str)] = &[
    ("SymbianOS/", "Symbian OS"),
    ("Android ", "Android"),
    ("Android", "Android"),
    ("iPhone OS ", "iOS"),
    ("CPU OS ", "iOS"),
    ("Mac OS X ", "Mac OS X"),
    ("Mac OS X", "Mac OS X"),
    ("CrOS ", "Chrome OS"),
    ("Ubuntu", "Ubuntu"),
    ("Linux", "Linux"),
];

/// Up to four numbers after a word; empty where there is none.
fn version(agent: &str, word: &str) -> [String; 4] {
    let mut parts = [const { String::new() }; 4];
    let Some(at) = agent.find(word) else { return parts };
    let digits = |c: char| c.is_ascii_digit() || matches!(c, '.' | '_');
    let rest = &agent[at + word.len()..];
    let end = rest.find(|c| !digits(c)).unwrap_or(rest.len());
    for (part, number) in parts.iter_mut().zip(rest[..end].split(['.', '_'])) {
        *part = number.to_owned();
    }
    parts
}

fn bag<const N: usize>(fields: [(&str, &str); N]) -> Json {
    Json::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), Json::from(value))).collect::<Map<_, _>>())
}

pub fn browser(agent: &str) -> Json {
    let known = BROWSERS.iter().find(|(word, _)| agent.contains(word));
    let (mut family, mut numbers) =
        known.map_or(("Other", Default::default()), |(word, name)| (*name, version(agent, word)));
    if known.is_none() && agent.contains("Trident/") {
        (family, numbers) = ("IE", version(agent, "rv:"));
    }
    match family {
        "Chrome" if agent.contains("Mobile") => family = "Chrome Mobile",
        "Firefox" if agent.contains("Mobile") => family = "Firefox Mobile",
        "Safari" if agent.contains("Mobile") => family = "Mobile Safari",
        "Safari" if !agent.contains("Safari") => (family, numbers) = ("Other", Default::default()),
        _ => {}
    }
    let [major, minor, patch, _] = numbers;
    bag([("Family", family), ("MajorVersion", &major), ("MinorVersion", &minor), ("Patch", &patch)])
}

pub fn system(agent: &str) -> Json {
    let windows = WINDOWS.iter().find(|(word, _)| agent.contains(word));
    let other = SYSTEMS.iter().find(|(word, _)| agent.contains(word));
    let (family, [major, minor, patch, last]) = match (windows, other) {
        (Some((_, family)), _) => (*family, Default::default()),
        (None, Some((word, family))) => (*family, version(agent, word)),
        (None, None) => ("Other", Default::default()),
    };
    bag([
        ("Family", family),
        ("MajorVersion", &major),
        ("MinorVersion", &minor),
        ("Patch", &patch),
        ("PatchMinor", &last),
    ])
}

pub fn device(agent: &str) -> Json {
    let device = |family: &str, brand: &str, model: &str| bag([("Family", family), ("Brand", brand), ("Model", model)]);
    if let Some(at) = agent.find("NokiaN") {
        let rest = &agent[at + 5..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_')).unwrap_or(rest.len());
        let model = &rest[..end];
        let digits = model.chars().skip(1).take_while(char::is_ascii_digit).count();
        return device(&format!("Nokia {}", &model[..=digits.min(model.len() - 1)]), "Nokia", model);
    }
    for (word, brand) in [("iPhone", "Apple"), ("iPad", "Apple"), ("iPod", "Apple"), ("Macintosh", "Apple")] {
        if agent.contains(word) {
            let name = if word == "Macintosh" { "Mac" } else { word };
            return device(name, brand, name);
        }
    }
    if ["Googlebot", "bingbot", "Spider", "spider", "crawler"].iter().any(|word| agent.contains(word)) {
        return device("Spider", "Spider", "Desktop");
    }
    if let Some(model) = agent.split_once("Android").and_then(|(_, rest)| rest.split_once("; ")) {
        let model = model.1.split([';', ')']).next().unwrap_or("").split(" Build/").next().unwrap_or("").trim();
        let brand = if model.starts_with("SM-") { "Samsung" } else { "Generic_Android" };
        return match brand {
            "Samsung" => device(&format!("Samsung {model}"), brand, model),
            _ => device(model, brand, model),
        };
    }
    device("Other", "", "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json::write;

    #[test]
    fn the_parts_of_an_old_telephone() {
        let agent = "Mozilla/5.0 (SymbianOS/9.2; U; Series60/3.1 NokiaN81-3/10.0.032 Profile/MIDP-2.0 \
                     Configuration/CLDC-1.1 ) AppleWebKit/413 (KHTML, like Gecko) Safari/4";
        insta::assert_snapshot!(write(&browser(agent)), @r#"{"Family":"Nokia OSS Browser","MajorVersion":"3","MinorVersion":"1","Patch":""}"#);
        insta::assert_snapshot!(write(&system(agent)), @r#"{"Family":"Symbian OS","MajorVersion":"9","MinorVersion":"2","Patch":"","PatchMinor":""}"#);
        insta::assert_snapshot!(write(&device(agent)), @r#"{"Family":"Nokia N81","Brand":"Nokia","Model":"N81-3"}"#);
    }
}
