//! What Meta says a token is worth ("Access Token Debug" page): `GET /debug_token`.
//!
//! It takes the app's own token, which igsync has not, or one of somebody who works on the app, which many tokens are: so a token
//! is asked about itself first.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::client::Client;
use super::error::Error;
use super::fields::Fields;
use super::request::{Request, Shape};
use super::tally::Tally;
use super::token::Credential;
use super::verdict::{ErrorBody, Reaction};
use crate::budget::Urgency;

const ENDPOINT: &str = "/debug_token";

/// What a token is worth. What is `None` was not told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFacts {
    /// Whether it works.
    pub is_valid: bool,
    /// USER, PAGE, SYSTEM_USER.
    pub kind: Option<String>,
    /// The app that it belongs to.
    pub app_id: Option<String>,
    /// When it ends.
    pub expires: Expires,
    /// When it ceases to read the data of its user, though it works: 90 days after the user's last activity with the app.
    pub data_access_expires: Expires,
    /// Granted permissions.
    pub scopes: Option<Vec<String>>,
    /// Permissions that are granted for some objects only: their ids.
    pub restricted: Vec<(String, Vec<String>)>,
    /// Why it does not work.
    pub problem: Option<String>,
}

/// When something ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expires {
    /// Not told.
    Unknown,
    /// Never.
    Never,
    /// Then.
    At(DateTime<Utc>),
}

impl Expires {
    /// The instant, if there is one.
    pub fn at(self) -> Option<DateTime<Utc>> {
        match self {
            Self::At(at) => Some(at),
            Self::Unknown | Self::Never => None,
        }
    }

    /// Unix seconds; 0 is never.
    fn read(seconds: Option<i64>) -> Self {
        match seconds {
            Some(0) => Self::Never,
            Some(seconds) => DateTime::from_timestamp(seconds, 0).map_or(Self::Unknown, Self::At),
            None => Self::Unknown,
        }
    }
}

#[derive(Deserialize)]
struct Envelope {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    is_valid: bool,
    #[serde(rename = "type")]
    kind: Option<String>,
    app_id: Option<String>,
    expires_at: Option<i64>,
    data_access_expires_at: Option<i64>,
    scopes: Option<Vec<String>>,
    #[serde(default)]
    granular_scopes: Vec<Granular>,
    error: Option<ErrorBody>,
}

#[derive(Deserialize)]
struct Granular {
    scope: String,
    /// Missing: all objects.
    target_ids: Option<Vec<String>>,
}

impl Client {
    /// Asks with one credential's token about another's, or about itself.
    ///
    /// # Errors
    /// [`Error`]; a refusal says nothing about the token that was asked about.
    pub async fn inspect(
        &self,
        inspector: &Credential,
        subject: &Credential,
        tally: &mut Tally,
    ) -> Result<TokenFacts, Error> {
        let request = Request {
            endpoint: ENDPOINT,
            path: ENDPOINT.to_owned(),
            fields: Fields::default(),
            params: Vec::new(),
            limit: None,
            after: None,
            shape: Shape::Node,
            pool: inspector.user_pool(),
            urgency: Urgency::Bulk,
        };
        let page = self
            .get_about(inspector, Some(subject), &request, tally)
            .await?;
        let body = page.items.first().map_or("", |body| body.get());
        let data: Envelope = serde_json::from_str(body).map_err(|error| Error::Unreadable {
            endpoint: ENDPOINT,
            status: 200,
            problem: subject.scrub(&inspector.scrub(&error.to_string())),
        })?;
        Ok(facts(data.data, subject))
    }
}

fn facts(data: Data, subject: &Credential) -> TokenFacts {
    let restricted = data.granular_scopes.into_iter();
    let restricted = restricted.filter_map(|one| Some((one.scope, one.target_ids?)));
    TokenFacts {
        is_valid: data.is_valid,
        kind: data.kind,
        app_id: data.app_id,
        expires: Expires::read(data.expires_at),
        data_access_expires: Expires::read(data.data_access_expires_at),
        scopes: data.scopes,
        restricted: restricted.collect(),
        problem: data.error.map(|error| subject.scrub(&error.message)),
    }
}

impl Error {
    /// Whether another token may be answered where this one was refused.
    pub fn is_about_the_asker(&self) -> bool {
        let throttled = |reaction| matches!(reaction, Reaction::Throttle(_) | Reaction::Block);
        matches!(self, Self::Refused(refusal) if !throttled(refusal.reaction.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> TokenFacts {
        let Envelope { data } = serde_json::from_str(body).unwrap();
        facts(data, &Credential::new("main", "EAAtoken", None).unwrap())
    }

    #[test]
    fn zero_is_never_and_what_is_missing_is_unknown() {
        let user = read(
            r#"{"data":{"app_id":"1","type":"USER","expires_at":1779000000,"data_access_expires_at":0,"is_valid":true,
                "scopes":["instagram_basic"],"granular_scopes":[{"scope":"instagram_basic","target_ids":["17841400000000000"]},
                {"scope":"pages_show_list"}]}}"#,
        );
        assert_eq!(
            user.expires.at().map(|at| at.timestamp()),
            Some(1_779_000_000)
        );
        assert_eq!(user.data_access_expires, Expires::Never);
        assert_eq!(
            user.restricted,
            [(
                "instagram_basic".to_owned(),
                vec!["17841400000000000".to_owned()]
            )]
        );
        let dead = read(
            r#"{"data":{"is_valid":false,"error":{"code":190,"message":"EAAtoken is over"}}}"#,
        );
        assert!(!dead.is_valid);
        assert_eq!(dead.expires, Expires::Unknown);
        assert_eq!(dead.problem.as_deref(), Some("[REDACTED] is over"));
    }
}
