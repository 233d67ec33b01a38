//! A client that asks one question at a time.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use igsync_simulator::{Clock, Simulator, World, WorldSpec};
use serde_json::Value;
use tower::ServiceExt;

/// The token of [`igsync_simulator::TokenSpec::default`].
pub(crate) const TOKEN: &str = "SIM-main";
/// The account of the demo world that has everything.
pub(crate) const BAKERY: &str = "17841400000000001";
/// The account of [`WorldSpec::small`].
pub(crate) const ACCOUNT: &str = "17841400000000001";

pub(crate) struct Probe {
    pub(crate) simulator: Simulator,
    router: Router,
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

/// An error as a test compares it.
#[derive(Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: i64,
    pub(crate) subcode: Option<i64>,
    pub(crate) message: String,
}

impl Probe {
    pub(crate) fn of(spec: WorldSpec) -> Self {
        let clock = Clock::starting_at(spec.epoch);
        let simulator = Simulator::new(World::new(spec), clock);
        Self {
            router: simulator.router(),
            simulator,
        }
    }

    pub(crate) fn small() -> Self {
        Self::of(WorldSpec::small(1))
    }

    pub(crate) fn demo() -> Self {
        Self::of(WorldSpec::demo(7))
    }

    pub(crate) fn world(&self) -> &World {
        self.simulator.world()
    }

    /// Asks with the main token, unless the question brings its own or says `no_token`.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.get_with(path, &[]).await
    }

    /// As [`Probe::get`], with further headers.
    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        let mut request = Request::get(path.replace("no_token&", "").replace(' ', "%20"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !path.contains("access_token=") && !path.contains("no_token") {
            request = request.header("authorization", format!("Bearer {TOKEN}"));
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        let form: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request =
            Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form)).unwrap()).await
    }

    /// The body of an answer that must be a success.
    pub(crate) async fn ok(&self, path: &str) -> Value {
        let reply = self.get(path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        reply.body
    }

    /// The ids of a page that must be a success.
    pub(crate) async fn ids(&self, path: &str) -> Vec<String> {
        ids(&self.ok(path).await)
    }

    pub(crate) async fn refused(&self, path: &str) -> Refusal {
        let reply = self.get(path).await;
        reply
            .refusal()
            .unwrap_or_else(|| panic!("{path} was answered: {}", reply.text))
    }

    /// Every item of a list, over as many pages as it takes.
    pub(crate) async fn walk(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut page = self.ok(path).await;
        loop {
            items.extend(page["data"].as_array().unwrap().clone());
            let Some(after) = page["paging"]["cursors"]["after"].as_str() else {
                return items;
            };
            let joint = if path.contains('?') { '&' } else { '?' };
            page = self.ok(&format!("{path}{joint}after={after}")).await;
            if page["data"].as_array().unwrap().is_empty() && page["paging"]["next"].is_null() {
                return items;
            }
        }
    }

    async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = to_bytes(body, 64 << 20).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Reply {
            status: head.status.as_u16(),
            headers: head.headers,
            text,
            body,
        }
    }
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn refusal(&self) -> Option<Refusal> {
        let error = self.body.get("error")?;
        Some(Refusal {
            status: self.status,
            code: error["code"].as_i64()?,
            subcode: error["error_subcode"].as_i64(),
            message: error["message"].as_str()?.to_owned(),
        })
    }
}

pub(crate) fn ids(page: &Value) -> Vec<String> {
    page["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}

pub(crate) fn keys(object: &Value) -> Vec<&str> {
    object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

pub(crate) fn refusal(status: u16, code: i64, subcode: Option<i64>, message: &str) -> Refusal {
    Refusal {
        status,
        code,
        subcode,
        message: message.to_owned(),
    }
}
