//! Scripted faults: what goes wrong, on which calls, and how often.

mod changes;

use std::time::Duration;

use serde_json::Value;

use crate::error::GraphError;
use crate::seed::Seed;
use crate::server::Incoming;

pub(crate) use changes::Changes;

/// Which calls a fault is for.
#[derive(Clone, Debug, Default)]
pub struct Match {
    path_contains: Option<String>,
    path_ends_with: Option<String>,
    parameters: Vec<(String, Option<String>)>,
    after_calls: u64,
    per_mille: Option<u32>,
    batch: bool,
}

impl Match {
    /// Every call. A batch as a whole is none; its parts are.
    pub fn any() -> Self {
        Self::default()
    }

    /// Calls whose path (`/17841…/media`, without the version) contains a text.
    pub fn path_contains(text: &str) -> Self {
        Self {
            path_contains: Some(text.to_owned()),
            ..Self::default()
        }
    }

    /// Calls whose path ends with a text.
    pub fn path_ends_with(text: &str) -> Self {
        Self {
            path_ends_with: Some(text.to_owned()),
            ..Self::default()
        }
    }

    /// Batches as a whole: the request around the parts, which no other match is for. Where it breaks off or hangs, its
    /// parts are calls without an answer; where it is refused by [`Fault::error`], there are no parts; otherwise they
    /// are answered, and what comes of it is changed.
    pub fn batch() -> Self {
        Self {
            batch: true,
            ..Self::default()
        }
    }

    /// Only calls with a parameter that contains a text, beside those that were named before; an empty text asks for the
    /// parameter alone.
    #[must_use]
    pub fn with_parameter(mut self, name: &str, contains: &str) -> Self {
        let contains = Some(contains.to_owned());
        self.parameters.push((name.to_owned(), contains));
        self
    }

    /// Only calls without a parameter: without `after`, the top of a list.
    #[must_use]
    pub fn without_parameter(mut self, name: &str) -> Self {
        self.parameters.push((name.to_owned(), None));
        self
    }

    /// Not the first `calls` of them.
    #[must_use]
    pub fn after_calls(mut self, calls: u64) -> Self {
        self.after_calls = calls;
        self
    }

    /// Only `per_mille` of 1,000 of them, chosen by the world's seed.
    #[must_use]
    pub fn with_chance(mut self, per_mille: u32) -> Self {
        self.per_mille = Some(per_mille);
        self
    }

    fn fits(&self, call: &Incoming) -> bool {
        let path = call.path_text();
        let parameters_fit = self.parameters.iter().all(|(name, text)| {
            let mut values = call.params.iter().filter(|(key, _)| key == name);
            match text {
                Some(text) => values.any(|(_, value)| value.contains(text.as_str())),
                None => values.next().is_none(),
            }
        });
        self.batch == call.is_batch()
            && self
                .path_contains
                .as_ref()
                .is_none_or(|text| path.contains(text.as_str()))
            && self
                .path_ends_with
                .as_ref()
                .is_none_or(|text| path.ends_with(text.as_str()))
            && parameters_fit
    }
}

/// A fault. It happens once unless [`Fault::times`] or [`Fault::always`] says otherwise.
#[derive(Clone, Debug)]
pub struct Fault {
    when: Match,
    seen: u64,
    remaining: Option<u64>,
    changes: Changes,
}

impl Fault {
    /// A fault that does nothing yet.
    pub fn on(when: Match) -> Self {
        Self {
            when,
            seen: 0,
            remaining: Some(1),
            changes: Changes::default(),
        }
    }

    /// Happens on this many matching calls.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.remaining = Some(times);
        self
    }

    /// Happens on every matching call.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.remaining = None;
        self
    }

    /// Sends this HTTP status, 200 with an error included.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.changes.status = Some(status);
        self
    }

    /// Answers with an error object; HTTP status 400 unless [`Fault::status`] says otherwise. What else an error may tell
    /// is said after this.
    #[must_use]
    pub fn error(mut self, code: i64, subcode: Option<i64>, message: &str) -> Self {
        let error = GraphError::new(code, message);
        self.changes.error = Some(GraphError { subcode, ..error });
        self
    }

    /// `is_transient` of the error.
    #[must_use]
    pub fn is_transient(self, is_transient: bool) -> Self {
        self.with_error(|error| error.transient(is_transient))
    }

    /// `type` of the error; `OAuthException` unless it is said.
    #[must_use]
    pub fn error_type(self, kind: &str) -> Self {
        let kind = kind.to_owned();
        self.with_error(|error| error.kind(kind))
    }

    /// `error_user_title` of the error.
    #[must_use]
    pub fn error_user_title(self, title: &str) -> Self {
        self.with_error(|mut error| {
            error.for_people.get_or_insert_default().title = Some(title.to_owned());
            error
        })
    }

    /// `error_user_msg` of the error.
    #[must_use]
    pub fn error_user_msg(self, message: &str) -> Self {
        self.with_error(|mut error| {
            error.for_people.get_or_insert_default().message = Some(message.to_owned());
            error
        })
    }

    /// `error_data` of the error: an object, or text.
    #[must_use]
    pub fn error_data(self, data: &Value) -> Self {
        let data = data.to_string();
        self.with_error(|error| error.error_data(data))
    }

    /// Answers with a page of HTML.
    #[must_use]
    pub fn html(mut self, status: u16) -> Self {
        self.changes.html = true;
        self.status(status)
    }

    /// Answers with this body.
    #[must_use]
    pub fn body(mut self, body: &str) -> Self {
        self.changes.body = Some(body.to_owned());
        self
    }

    /// Breaks the connection without an answer.
    #[must_use]
    pub fn reset(mut self) -> Self {
        self.changes.reset = true;
        self
    }

    /// Breaks the connection in the middle of the answer: the call was answered, and nobody heard all of it. Parts of a
    /// batch do not know it.
    #[must_use]
    pub fn broken_off(mut self) -> Self {
        self.changes.broken_off = true;
        self
    }

    /// Sends half of the JSON as if it were all.
    #[must_use]
    pub fn cut_json(mut self) -> Self {
        self.changes.cut = true;
        self
    }

    /// Waits before answering.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.changes.delay = delay;
        self
    }

    /// Never answers.
    #[must_use]
    pub fn hang(mut self) -> Self {
        self.changes.hang = true;
        self
    }

    /// Leaves a part of a batch unfinished: `null`.
    #[must_use]
    pub fn unfinished(mut self) -> Self {
        self.changes.unfinished = true;
        self
    }

    /// Refuses the cursor of the call.
    #[must_use]
    pub fn dead_cursor(mut self) -> Self {
        self.changes.dead_cursor = true;
        self
    }

    /// Lists the last item of a page twice.
    #[must_use]
    pub fn item_twice(mut self) -> Self {
        self.changes.item_twice = true;
        self
    }

    /// Begins a page with the last item of the page before, as when something new was published in between.
    #[must_use]
    pub fn shifted_page(mut self) -> Self {
        self.changes.shifted_page = true;
        self
    }

    /// Tells errors in the language of the account: `message`, `error_user_title` and `error_user_msg` become this text,
    /// the codes stay.
    #[must_use]
    pub fn localized(mut self, message: &str) -> Self {
        self.changes.message = Some(message.to_owned());
        self
    }

    /// Claims in `facebook-api-version` that another version served the call.
    #[must_use]
    pub fn served_version(mut self, version: &str) -> Self {
        self.changes.served_version = Some(version.to_owned());
        self
    }

    /// Adds a header, or replaces one.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.changes
            .headers
            .push((name.to_ascii_lowercase(), value.to_owned()));
        self
    }

    /// Leaves out the usage headers.
    #[must_use]
    pub fn without_usage_headers(mut self) -> Self {
        self.changes.without_usage = true;
        self
    }

    /// Changes the error that [`Fault::error`] has set before.
    fn with_error(mut self, change: impl FnOnce(GraphError) -> GraphError) -> Self {
        self.changes.error = self.changes.error.map(change);
        self
    }

    fn take(&mut self, call: &Incoming, chance: Seed) -> Option<Changes> {
        if !self.when.fits(call) {
            return None;
        }
        self.seen += 1;
        let is_due = self.seen > self.when.after_calls && self.remaining != Some(0);
        if !is_due
            || self
                .when
                .per_mille
                .is_some_and(|per_mille| !chance.with(self.seen).per_mille(per_mille))
        {
            return None;
        }
        self.remaining = self.remaining.map(|remaining| remaining - 1);
        Some(self.changes.clone())
    }
}

/// The faults that were injected so far.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn inject(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// What becomes of a call: the first fault that is due wins, all of them count the call.
    pub(crate) fn take(&mut self, call: &Incoming, seed: Seed) -> Option<Changes> {
        let mut changes = None;
        for (fault, number) in self.0.iter_mut().zip(0..) {
            if changes.is_none() {
                changes = fault.take(call, seed.with(number));
            } else if fault.when.fits(call) {
                fault.seen += 1;
            }
        }
        changes
    }
}
