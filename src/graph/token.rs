//! Credentials: the one owner of tokens and app secrets.

use std::fmt::Write;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::Sha256;

use super::request::encode;
use crate::budget::PoolKey;

/// A token and, for apps that demand it, the app secret. Prints its name only.
#[derive(Clone)]
pub struct Credential {
    name: String,
    app: String,
    token: SecretString,
    app_secret: Option<SecretString>,
    is_handed_over: bool,
}

/// Why a text cannot be a token or a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Nothing in it.
    #[error("is empty")]
    Empty,
    /// More than one line.
    #[error("has more than one line")]
    LineBreak,
    /// A blank or a character that no token has.
    #[error("has a blank or another character that no token has")]
    Character,
}

impl Credential {
    /// A credential called `name` in messages. Blanks and one line end around the secrets are dropped, as files
    /// and service managers add them.
    ///
    /// # Errors
    /// [`SecretError`] for texts that cannot be sent; the text itself is not in it.
    pub fn new(name: &str, token: &str, app_secret: Option<&str>) -> Result<Self, SecretError> {
        Ok(Self {
            name: name.to_owned(),
            app: name.to_owned(),
            token: clean(token)?,
            app_secret: app_secret.map(clean).transpose()?,
            is_handed_over: false,
        })
    }

    /// Says that the service manager handed the secret over when it started this process, so that another one in its file is not seen.
    #[must_use]
    pub fn handed_over(mut self) -> Self {
        self.is_handed_over = true;
        self
    }

    /// What is to be done after its token was replaced.
    pub fn after_replacement(&self) -> &'static str {
        if self.is_handed_over {
            "in the file that LoadCredential names in the unit, then restart the service (`systemctl restart igsync`)"
        } else {
            "then start again"
        }
    }

    /// Says that this token belongs to the app of an earlier one, if both have the same app secret: then they share the
    /// app's budget.
    #[must_use]
    pub fn of_the_app_of(mut self, others: &[Arc<Self>]) -> Self {
        let secret = |credential: &Self| {
            let secret = credential.app_secret.as_ref();
            secret.map(|secret| secret.expose_secret().to_owned())
        };
        let own = secret(&self);
        let same = others
            .iter()
            .find(|other| own.is_some() && secret(other) == own);
        if let Some(same) = same {
            self.app.clone_from(&same.app);
        }
        self
    }

    /// The credential of a Page, from the Page as `/me/accounts` tells it to this token; `None` when no token came along. It belongs
    /// to the same app, and is called as this one is.
    pub fn of_page(&self, page: &RawValue) -> Option<Self> {
        let Keyed { access_token } = serde_json::from_str(page.get()).ok()?;
        Some(Self {
            token: clean(&access_token).ok()?,
            ..self.clone()
        })
    }

    /// The pool of its app's Platform limits.
    pub fn app_pool(&self) -> PoolKey {
        PoolKey::App {
            credential: self.app.clone(),
        }
    }

    /// The pool of its user's Platform limits.
    pub fn user_pool(&self) -> PoolKey {
        PoolKey::User {
            credential: self.name.clone(),
        }
    }

    /// Its name in the configuration, in messages and in `sync_pools`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether another one has the same secrets.
    pub fn is_same(&self, other: &Self) -> bool {
        let secrets = |one: &Self| {
            let app_secret = one.app_secret.as_ref();
            let app_secret = app_secret.map(|secret| secret.expose_secret().to_owned());
            (one.token.expose_secret().to_owned(), app_secret)
        };
        self.name == other.name && secrets(self) == secrets(other)
    }

    /// Puts the token, and the proof if there is a secret, on a request: the only place where they are exposed.
    ///
    /// The token goes into the header ("Access Tokens" page), `appsecret_proof` into the query ("Securing
    /// requests" page): lowercase hex of HMAC-SHA256 over the token, keyed with the app secret.
    pub(super) fn authorize(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        let mut header =
            match HeaderValue::from_str(&format!("Bearer {}", self.token.expose_secret())) {
                Ok(header) => header,
                // `clean` lets only visible ASCII pass, which every header value may hold.
                Err(_) => return request,
            };
        header.set_sensitive(true);
        let request = request.header(AUTHORIZATION, header);
        match self.proof() {
            Some(proof) => request.query(&[("appsecret_proof", proof)]),
            None => request,
        }
    }

    /// Names this token as the one that is asked about. Only in the query is there room for it: what is asked so is never logged.
    pub(super) fn ask_about(&self, message: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        message.query(&[("input_token", self.token.expose_secret())])
    }

    /// The body of a batch ("Batch Requests" page): the token and the proof for all parts, which are given as JSON. Like
    /// [`Self::authorize`], the only place where a batch gets them.
    pub(super) fn batch(
        &self,
        message: reqwest::RequestBuilder,
        parts: String,
    ) -> reqwest::RequestBuilder {
        let mut pairs = vec![
            ("access_token", self.token.expose_secret().to_owned()),
            ("include_headers", "true".to_owned()),
            ("batch", parts),
        ];
        pairs.extend(self.proof().map(|proof| ("appsecret_proof", proof)));
        let body = encode(&pairs);
        message
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body)
    }

    /// The text without this credential's secrets, and without anything that looks like a token.
    pub fn scrub(&self, text: &str) -> String {
        let mut clean = text.replace(self.token.expose_secret(), REDACTED);
        for secret in self.app_secret.iter().map(|secret| secret.expose_secret()) {
            clean = clean.replace(secret, REDACTED);
        }
        if let Some(proof) = self.proof() {
            clean = clean.replace(&proof, REDACTED);
        }
        scrub(&clean)
    }

    pub(super) fn proof(&self) -> Option<String> {
        let secret = self.app_secret.as_ref()?;
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).ok()?;
        mac.update(self.token.expose_secret().as_bytes());
        let mut proof = String::with_capacity(64);
        for byte in mac.finalize().into_bytes() {
            // Writing to a String cannot fail.
            let _ = write!(proof, "{byte:02x}");
        }
        Some(proof)
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Keyed {
    access_token: String,
}

const REDACTED: &str = "[REDACTED]";

fn clean(text: &str) -> Result<SecretString, SecretError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(SecretError::Empty);
    }
    if text.contains(['\n', '\r']) {
        return Err(SecretError::LineBreak);
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(SecretError::Character);
    }
    Ok(SecretString::from(text))
}

/// Blots out what looks like a token of anybody: long words that begin as Meta's tokens do, and the values of
/// the query parameters that carry secrets.
pub fn scrub(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = rest
            .find(|c: char| !is_token_char(c))
            .map_or(rest, |end| &rest[..end]);
        if word.is_empty() {
            clean.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let secret = SECRET_PARAMETERS.iter().any(|name| clean.ends_with(name))
            || (word.len() >= 20 && word.starts_with("EAA"));
        clean.push_str(if secret { REDACTED } else { word });
        rest = &rest[word.len()..];
    }
    clean
}

const SECRET_PARAMETERS: [&str; 6] = [
    "access_token=",
    "input_token=",
    "appsecret_proof=",
    "client_secret=",
    "fb_exchange_token=",
    "\"access_token\":\"",
];

fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '%' | '|' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_cannot_be_tokens_are_refused() {
        let error = |token| Credential::new("main", token, None).unwrap_err();
        assert_eq!(error(" \n"), SecretError::Empty);
        assert_eq!(error("EAA1\nEAA2"), SecretError::LineBreak);
        assert_eq!(error("EAA 1"), SecretError::Character);
        assert_eq!(error("EAAé"), SecretError::Character);
        Credential::new("main", "EAA1\n", None).unwrap();
    }

    #[test]
    fn the_proof_is_the_hmac_of_the_token() {
        // printf %s EAAtoken | openssl dgst -sha256 -hmac s3cret
        let credential = Credential::new("main", "EAAtoken", Some("s3cret")).unwrap();
        assert_eq!(
            credential.proof().as_deref(),
            Some("996747eb387311f6eef873d7e2bee192a7bc191ebdab0ce8129d81ae8223c24c")
        );
    }

    #[test]
    fn nothing_prints_a_secret() {
        let credential = Credential::new("main", "EAAsecret", Some("hidden")).unwrap();
        assert_eq!(
            format!("{credential:?}"),
            "Credential { name: \"main\", .. }"
        );
    }

    #[test]
    fn a_page_has_a_token_of_its_own_and_shows_it_as_little() {
        let user = Credential::new("main", "EAAsecret", Some("hidden")).unwrap();
        let page = |text: &str| user.of_page(&RawValue::from_string(text.to_owned()).unwrap());
        let of_page = page(r#"{"id":"1","access_token":"EAApage"}"#).unwrap();
        assert_eq!(of_page.app_pool(), user.app_pool());
        assert_ne!(of_page.proof(), user.proof());
        assert_eq!(of_page.scrub("a EAApage b"), "a [REDACTED] b");
        assert_eq!(format!("{of_page:?}"), "Credential { name: \"main\", .. }");
        assert!(page(r#"{"id":"1"}"#).is_none());
        assert!(page(r#"{"id":"1","access_token":""}"#).is_none());
    }

    #[test]
    fn texts_from_outside_are_scrubbed() {
        let credential = Credential::new("main", "token-of-ours", Some("hidden")).unwrap();
        let proof = credential.proof().unwrap();
        let foreign = "EAAGm0PX4ZCpsBAKZCZBxyz1234567890";
        let text = format!(
            "Malformed access token token-of-ours, {foreign}; hidden; {proof}; \
             https://graph.facebook.com/v25.0/1/media?access_token=abc%7C1&limit=2 \"é\" EAAshort"
        );
        assert_eq!(
            credential.scrub(&text),
            "Malformed access token [REDACTED], [REDACTED]; [REDACTED]; [REDACTED]; \
             https://graph.facebook.com/v25.0/1/media?access_token=[REDACTED]&limit=2 \"é\" EAAshort"
        );
    }
}
