//! A call as it came in.

use std::borrow::Cow;

/// Method, path and parameters, with the secrets taken out of the parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Incoming {
    pub(crate) method: String,
    pub(crate) version: Option<String>,
    /// The segments of the path without the version.
    pub(crate) path: Vec<String>,
    pub(crate) params: Vec<(String, String)>,
    pub(crate) token: Option<String>,
    pub(crate) proof: Option<String>,
    pub(crate) in_batch: bool,
}

impl Incoming {
    /// A POST with `method=GET` counts as a GET with the parameters of its form.
    pub(crate) fn new(
        method: &str,
        path: &str,
        query: Option<&str>,
        authorization: Option<&str>,
        form: &[u8],
    ) -> Self {
        let mut call = Self {
            method: method.to_owned(),
            ..Self::default()
        };
        call.read_path(path);
        let query = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        for (name, value) in query.chain(form_urlencoded::parse(form)) {
            call.read_param(name, value);
        }
        if call.token.is_none() {
            call.token = authorization.and_then(bearer).map(str::to_owned);
        }
        call
    }

    /// A part of a batch: `relative_url` beside the token and the version of the whole.
    pub(crate) fn part(method: &str, relative_url: &str, batch: &Self) -> Self {
        let (path, query) = relative_url.split_once('?').unwrap_or((relative_url, ""));
        let mut part = Self::new(method, path, Some(query), None, &[]);
        part.in_batch = true;
        part.version = part.version.or_else(|| batch.version.clone());
        if part.token.is_none() {
            part.token.clone_from(&batch.token);
            part.proof = part.proof.or_else(|| batch.proof.clone());
        }
        part
    }

    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether it carries a batch.
    pub(crate) fn is_batch(&self) -> bool {
        self.method == "POST"
            && self.path.is_empty()
            && self.param("batch").is_some()
            && !self.in_batch
    }

    /// The path without the version, with a slash before every segment.
    pub(crate) fn path_text(&self) -> String {
        self.path
            .iter()
            .flat_map(|segment| ["/", segment])
            .collect()
    }

    fn read_path(&mut self, path: &str) {
        let mut segments = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .peekable();
        self.version = segments
            .next_if(|segment| is_version(segment))
            .map(str::to_owned);
        self.path = segments.map(decoded).collect();
    }

    fn read_param(&mut self, name: Cow<'_, str>, value: Cow<'_, str>) {
        match &*name {
            "access_token" => {
                self.token = Some(value.into_owned()).filter(|token| !token.is_empty());
            }
            "appsecret_proof" => self.proof = Some(value.into_owned()),
            "method" if self.method == "POST" => self.method = value.to_uppercase(),
            _ => self.params.push((name.into_owned(), value.into_owned())),
        }
    }
}

fn is_version(segment: &str) -> bool {
    let number = segment
        .strip_prefix('v')
        .and_then(|version| version.split_once('.'));
    number.is_some_and(|(major, minor)| {
        [major, minor]
            .iter()
            .all(|part| part.parse::<u32>().is_ok())
    })
}

/// `Bearer` and `OAuth` are both accepted.
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth");
    known.then(|| token.trim())
}

fn decoded(segment: &str) -> String {
    if !segment.contains('%') {
        return segment.to_owned();
    }
    // A path decodes like a query, apart from the plus sign.
    let query = segment.replace('+', "%2B");
    form_urlencoded::parse(query.as_bytes())
        .next()
        .map_or_else(String::new, |(name, _)| name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_secrets_and_parameters_are_told_apart() {
        let call = Incoming::new(
            "GET",
            "/v25.0/17841400000000001/media",
            Some("fields=id%2Ccaption&access_token=T&appsecret_proof=P&limit=5"),
            None,
            b"",
        );
        assert_eq!(call.version.as_deref(), Some("v25.0"));
        assert_eq!(call.path, ["17841400000000001", "media"]);
        assert_eq!(call.param("fields"), Some("id,caption"));
        assert_eq!(
            (call.token.as_deref(), call.proof.as_deref()),
            (Some("T"), Some("P"))
        );
        assert!(call.param("access_token").is_none());
    }

    #[test]
    fn a_form_with_method_get_is_a_get() {
        let call = Incoming::new(
            "POST",
            "/me",
            None,
            Some("Bearer T"),
            b"method=GET&fields=id",
        );
        assert_eq!(
            (
                call.method.as_str(),
                call.param("fields"),
                call.token.as_deref()
            ),
            ("GET", Some("id"), Some("T"))
        );
    }

    #[test]
    fn a_part_of_a_batch_takes_version_and_token_from_the_whole_unless_it_has_its_own() {
        let batch = Incoming::new("POST", "/v24.0/", Some("access_token=T"), None, b"");
        let part = Incoming::part("GET", "me/accounts?limit=3", &batch);
        assert_eq!(
            (part.version.as_deref(), part.token.as_deref()),
            (Some("v24.0"), Some("T"))
        );
        assert_eq!(part.path, ["me", "accounts"]);
        let other = Incoming::part("GET", "me?access_token=U", &batch);
        assert_eq!(other.token.as_deref(), Some("U"));
    }
}
