//! Metrics that come along with the objects of a list, and what is done when they are refused.
//!
//! One post that is refused a metric refuses the page. What is at fault with one post is left out on its page only; the pages behind it
//! are asked for all again. What was refused on other nights is left out from the start.

mod known;

use chrono::{DateTime, Utc};

use super::{PageSize, Plan};
use crate::graph::{Error, Fields, Reaction, Skip};
use crate::resource::Walk;
use known::{Ahead, NEIGHBOURS};

pub(in crate::sync) use known::KnownPosts;

/// Posts that are not worth another call of their own.
const FEW: u32 = 12;

/// What comes along.
#[derive(Debug, Default)]
pub(super) struct Along {
    /// Metrics of the page that is asked for now; empty: none.
    now: Vec<&'static str>,
    /// Those of the pages behind it.
    all: Vec<&'static str>,
    /// Whether the posts from here on are from before the account's conversion: all of theirs are refused.
    is_before_conversion: bool,
    /// Whether a page failed with them, at the price of its retries.
    has_failed: bool,
    /// What is known of the posts.
    known: KnownPosts,
    /// The most posts of the page that is asked for now, where more would be refused.
    most: Option<u32>,
}

impl Along {
    /// Begins a page: the one behind, or the first one.
    pub(super) fn begin(&mut self) {
        self.most = None;
        if self.is_before_conversion {
            self.now.clear();
        } else {
            self.now.clone_from(&self.all);
        }
    }

    /// The list starts again from its top.
    pub(super) fn restart(&mut self, size: u32) {
        self.is_before_conversion = false;
        self.begin();
        self.look_ahead(None, size);
    }

    /// Leaves out of a page of so many posts what it would be refused; it stands behind the post of an instant, or at the top.
    fn look_ahead(&mut self, behind: Option<DateTime<Utc>>, size: u32) {
        if self.now.is_empty() {
            return;
        }
        match self.known.ahead(behind, size) {
            Ahead::Unconverted => {
                self.is_before_conversion = true;
                self.now.clear();
            }
            Ahead::Page(most, refused) => {
                self.most = Some(most).filter(|most| *most < size);
                self.now.retain(|metric| !refused.contains(metric));
            }
        }
    }

    pub(super) fn add_to(&self, fields: &Fields, walk: &Walk) -> Fields {
        match walk.nested.filter(|_| !self.now.is_empty()) {
            Some(nested) => {
                let edge = format!("{}.metric({})", nested.edge, self.now.join(","));
                let values = nested.fields.iter().copied();
                fields.clone().with(&edge, Fields::of(values))
            }
            None => fields.clone(),
        }
    }
}

impl Plan<'_> {
    /// Lets metrics come along in the same answers, on full pages: the list was walked through before.
    pub(in crate::sync) fn nest(&mut self, known: KnownPosts) {
        self.size = PageSize::of_known_list();
        let nested = self.walk.nested.map(|nested| nested.metrics.to_vec());
        self.along.all = nested.unwrap_or_default();
        self.along.known = known;
        self.along.begin();
        // Nobody knows which post stands where a walk goes on.
        if self.cursor.is_none() {
            self.along.look_ahead(None, self.size.get());
        }
    }

    /// Begins the page behind the post of an instant, where the last page has told one.
    pub(in crate::sync) fn goes_on_behind(&mut self, oldest: Option<DateTime<Utc>>) {
        if oldest.is_some() {
            self.along.look_ahead(oldest, self.size.get());
        }
    }

    /// Objects of the next page.
    pub(super) fn limit(&self) -> u32 {
        let size = self.size.get();
        self.along.most.map_or(size, |most| size.min(most))
    }

    /// What comes along is given up before anything else: whatever refuses it, the page itself may be fine. Says whether
    /// the page is to be asked for again.
    pub(super) fn give_up_nested(&mut self, error: &Error) -> bool {
        let size = self.limit();
        let along = &mut self.along;
        let before = along.now.len();
        if before == 0 {
            return false;
        }
        let edge = self.walk.nested.map(|nested| nested.edge);
        match error.reaction() {
            // Posts are older and older: those before the one that refuses the page still have their numbers. A quarter, as each attempt
            // is a refused call.
            Reaction::Skip(Skip::BeforeConversion) if size > FEW => {
                self.size = PageSize::of(size / 4);
                return true;
            }
            Reaction::Skip(Skip::BeforeConversion) => {
                along.is_before_conversion = true;
                along.now.clear();
                self.size = PageSize::of_known_list();
            }
            Reaction::Drop(names) if names.iter().any(|name| Some(name.as_str()) == edge) => {
                along.all.clear();
                along.now.clear();
            }
            Reaction::Drop(names) => {
                let is_named = |metric: &&'static str| names.iter().any(|name| name == metric);
                let is_known = along.now.iter().any(is_named);
                if is_known && error.is_about_one_kind() && size > NEIGHBOURS {
                    self.size = PageSize::of(NEIGHBOURS);
                    return true;
                }
                along.now.retain(|metric| !is_named(metric));
                if !error.is_about_one_kind() {
                    along.all.retain(|metric| !is_named(metric));
                }
            }
            Reaction::DropMetric(place) if place < before => {
                let unknown = along.now.remove(place);
                along.all.retain(|metric| *metric != unknown);
            }
            Reaction::Skip(_) => along.now.clear(),
            Reaction::Fail | Reaction::Mistake | Reaction::DropMetric(_) => {
                // Once it may be one post's fault; twice it is too dear to be tried on every page.
                if std::mem::replace(&mut along.has_failed, true) {
                    along.all.clear();
                }
                along.now.clear();
            }
            Reaction::Disable => {
                along.all.clear();
                along.now.clear();
            }
            _ => {}
        }
        along.now.len() < before
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;

    use super::*;
    use crate::graph::{Page, Refusal};
    use crate::resource::find;
    use crate::store::Outcome;
    use crate::sync::job::{Account, Job, Range};
    use crate::sync::plan::Recovery;

    fn refusal(message: &str, reaction: Reaction) -> Error {
        Error::Refused(Box::new(Refusal {
            endpoint: "/{ig-user}/media",
            message: message.to_owned(),
            code: 100,
            subcode: None,
            trace: None,
            reaction,
        }))
    }

    fn kind() -> Error {
        let message = "(#100) The Media Insights API does not support the views metric for this media product type.";
        refusal(message, Reaction::Drop(vec!["views".to_owned()]))
    }

    /// Walks through pages that are refused so, each list of refusals before its page; gives how many metrics each page was asked
    /// for in the end, and its size.
    fn walk(pages: &[&[Error]]) -> Vec<(usize, u32)> {
        let job = job();
        let walk = job.resource.walk().unwrap();
        let now = DateTime::UNIX_EPOCH;
        let mut plan = Plan::start(&job, walk, None, Default::default(), 1, now);
        plan.nest(KnownPosts::default());
        let mut asked = Vec::new();
        for refusals in pages {
            for refusal in *refusals {
                assert_eq!(plan.recover(refusal, "why", "main"), Recovery::Ask);
            }
            asked.push((plan.along.now.len(), plan.size.get()));
            let page = Page {
                next: Some("more".to_owned()),
                items: Vec::new(),
            };
            plan.advance(&page, now);
        }
        assert_eq!(plan.outcome(), Outcome::Complete);
        asked
    }

    #[test]
    fn a_metric_that_one_post_does_not_have_is_asked_for_behind_its_page() {
        let all = walk(&[&[]])[0].0;
        assert_eq!(
            walk(&[&[kind(), kind()], &[], &[kind()], &[]]),
            [(all - 1, 50), (all, 50), (all - 1, 50), (all, 50)]
        );
        let skip = || refusal("", Reaction::Skip(Skip::TooFewViewers));
        assert_eq!(walk(&[&[skip()], &[]]), [(0, 100), (all, 100)]);
    }

    #[test]
    fn what_is_refused_for_all_posts_is_asked_for_once() {
        let all = walk(&[&[]])[0].0;
        let retired = || {
            let message = "(#100) Starting from version v22.0 and above, the views metric is no longer supported for the queried media.";
            refusal(message, Reaction::Drop(vec!["views".to_owned()]))
        };
        let unknown = || refusal("(#100) metric[1] must be one of", Reaction::DropMetric(1));
        for refusal in [retired, unknown] {
            assert_eq!(walk(&[&[refusal()], &[]]), [(all - 1, 100), (all - 1, 100)]);
        }
        let disabled = || refusal("(#10) no permission", Reaction::Disable);
        assert_eq!(walk(&[&[disabled()], &[]]), [(0, 100), (0, 100)]);
        let edge = || refusal("", Reaction::Drop(vec!["insights".to_owned()]));
        assert_eq!(walk(&[&[edge()], &[]]), [(0, 100), (0, 100)]);
    }

    #[test]
    fn from_the_conversion_on_pages_are_plain_and_large_and_refused_no_more() {
        let all = walk(&[&[]])[0].0;
        let old = || refusal("", Reaction::Skip(Skip::BeforeConversion));
        let pages: [&[Error]; 4] = [&[old(), old()], &[old()], &[], &[]];
        assert_eq!(walk(&pages), [(all, 6), (0, 100), (0, 100), (0, 100)]);
    }

    #[test]
    fn what_fails_page_after_page_is_given_up() {
        let all = walk(&[&[]])[0].0;
        let fails = || refusal("", Reaction::Fail);
        assert_eq!(
            walk(&[&[fails()], &[], &[fails()], &[]]),
            [(0, 100), (all, 100), (0, 100), (0, 100)]
        );
    }

    fn job() -> Job {
        Job {
            name: "nightly".to_owned(),
            account: Arc::new(Account {
                id: "1".to_owned(),
                username: None,
                media_count: None,
                routes: Vec::new(),
            }),
            resource: find("media").unwrap(),
            range: Range::default(),
            names: Vec::new(),
            forecast_calls: None,
        }
    }
}
