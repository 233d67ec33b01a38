//! Questions: small reads, each about one subject, that are chosen by what is known already. Pure: time and facts are arguments.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::weekly;
use crate::graph::{Fields, Shape};
use crate::store::{Conversation, Post, Read};

/// One question about one subject. Asked again, page by page, until its list ends.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// Names it among the questions of its account and resource: a media id, a day. Kept in `sync_reads`.
    pub subject: String,
    /// The object that is missing when there is no answer, in `sync_gaps`; `None`: the subject names no object.
    pub object_id: Option<String>,
    /// The endpoint with placeholders, for counting.
    pub endpoint: &'static str,
    /// The path without version.
    pub path: String,
    /// What is wanted of each object.
    pub fields: Fields,
    /// Metrics; those that the API refuses are left out and the question is asked again. Empty: no parameter.
    pub metrics: Vec<&'static str>,
    /// Further parameters.
    pub params: Vec<(&'static str, String)>,
    /// Objects a page.
    pub limit: Option<u32>,
    /// How the answer holds its objects.
    pub shape: Shape,
    /// Where a list that was begun earlier goes on.
    pub after: Option<String>,
    /// How many objects of its list were shown on earlier pages.
    pub before: u64,
    /// What is not newer than this is known already.
    pub since: Option<DateTime<Utc>>,
    /// Questions of one family are refused the same metrics: product type and media type, for posts.
    pub family: String,
    /// When its object was posted: what is older than something from before the account's conversion is from before it, too.
    pub posted_at: Option<DateTime<Utc>>,
    /// What the subject looks like now, to be compared when questions are chosen the next time; kept from the first page of its
    /// list on.
    pub mark: Option<String>,
    /// A parameter to add, once, when the question is refused as it is. Its value becomes the mark.
    pub otherwise: Option<(&'static str, &'static str)>,
    /// The questions that this one stands for: it asks a list for what they would ask about its objects one by one. They are asked when
    /// it is refused, and those that its answer does not tell of. Metrics come nested in the objects. Empty: it stands for itself.
    pub stands_for: Vec<Question>,
    /// What its list goes on with behind this page; `None`: with itself.
    pub rest: Option<Box<Question>>,
    /// What is not known of its list yet: behind that, nothing new is left to read. `None`: it is read to its end.
    pub news: Option<News>,
    /// For forecasts: how many calls its answer leads to at least, where nobody knows how many more there will be.
    pub leads_to: Option<u64>,
}

/// Objects of a list that are not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct News {
    /// They came after this.
    pub since: DateTime<Utc>,
    /// How many.
    pub count: i64,
}

impl Question {
    /// A question that is asked at a path of an endpoint, and nothing more. Its family bears the name of its subject.
    pub(super) fn of(
        subject: &str,
        endpoint: &'static str,
        path: String,
        fields: Fields,
        shape: Shape,
    ) -> Self {
        Self {
            subject: subject.to_owned(),
            object_id: None,
            endpoint,
            path,
            fields,
            metrics: Vec::new(),
            params: Vec::new(),
            limit: None,
            shape,
            after: None,
            before: 0,
            since: None,
            family: subject.to_owned(),
            posted_at: None,
            mark: None,
            otherwise: None,
            stands_for: Vec::new(),
            rest: None,
            news: None,
            leads_to: None,
        }
    }

    /// The name that it is about, for resources that are read by names: what stands before the first colon of the subject.
    pub fn name(&self) -> &str {
        let (name, _) = self.subject.split_once(':').unwrap_or((&self.subject, ""));
        name
    }

    /// What it asks of its object, where that is a part only: a metric by a breakdown. As `sync_gaps.field` has it.
    pub fn part(&self) -> Option<String> {
        let breakdown = self.param("breakdown")?;
        let metric = self.metrics.first()?;
        let part = format!("{metric} by {breakdown}");
        self.object_id.as_ref().map(|_| part)
    }

    /// The value of a parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        let mut params = self.params.iter();
        let found = params.find(|(param, _)| *param == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The fields to ask for: metrics of objects in a list come nested, with their breakdown.
    pub fn fields_with_nested(&self) -> Fields {
        if self.stands_for.is_empty() || self.metrics.is_empty() {
            return self.fields.clone();
        }
        let breakdown = self.param(BREAKDOWN);
        let breakdown = breakdown.map(|name| format!(".breakdown({name})"));
        let edge = format!(
            "insights.metric({}){}",
            self.metrics.join(","),
            breakdown.unwrap_or_default()
        );
        let values = Fields::of(["name", "values", "total_value"]);
        self.fields.clone().with(&edge, values)
    }

    /// The parameters to ask with.
    pub fn params_without_nested(&self) -> Vec<(&'static str, String)> {
        let mut params = self.params.clone();
        if self.metrics.is_empty() {
            return params;
        }
        if self.stands_for.is_empty() {
            params.push(("metric", self.metrics.join(",")));
        } else {
            params.retain(|(name, _)| *name != BREAKDOWN);
        }
        params
    }

    /// Takes in how many news an answer brought; says whether these were the last that it waits for.
    pub fn hears(&mut self, news: i64) -> bool {
        self.news.as_mut().is_some_and(|wanted| {
            wanted.count -= news;
            wanted.count == 0
        })
    }

    /// Whether it goes through all posts of the account, from the top.
    pub fn lists_all_posts(&self) -> bool {
        self.endpoint == super::post_edge::LIST && self.params.is_empty() && self.after.is_none()
    }

    /// Whether it is asked for nothing but what others would ask: otherwise its own subject is among theirs, a list that is wanted
    /// whatever becomes of what comes along.
    pub fn is_page(&self) -> bool {
        let mut others = self.stands_for.iter();
        !self.stands_for.is_empty() && !others.any(|one| one.subject == self.subject)
    }
}

/// A parameter of insights.
pub(super) const BREAKDOWN: &str = "breakdown";

/// What ended before it was read for the last time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Which subject.
    pub subject: String,
    /// The object, in `sync_gaps`.
    pub object_id: String,
    /// What is missing, in words.
    pub detail: String,
}

/// How often posts are read again: up to this age, that often. In the order of age.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refresh(pub Vec<(Duration, Duration)>);

impl Default for Refresh {
    fn default() -> Self {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        Self(vec![
            (hours(2 * 24), hours(6)),
            (hours(30 * 24), hours(24)),
            (hours(730 * 24), hours(7 * 24)),
        ])
    }
}

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The whole list is walked through so often, whatever the rules are.
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// Up to this age a post is asked about itself as often as any rule says.
const MOVES: TimeDelta = TimeDelta::days(30);

impl Refresh {
    /// How often a post of this age is asked for what costs calls of its own: its comments, and the numbers that only its kind has. A
    /// rule of a week or more is kept for old posts by walks through their list, which bring what all have in common.
    pub fn alone(&self, age: TimeDelta) -> Option<Duration> {
        self.every(age)
            .filter(|often| *often < WEEK || age <= MOVES)
    }

    /// The rules of more than a day by which a walk is due again: up to which age posts are read, and whether what all have in common
    /// comes along because nothing else reads it that often. `last` says when posts up to that age were last read.
    pub fn due_walks(
        &self,
        now: DateTime<Utc>,
        last: impl Fn(Duration) -> Option<DateTime<Utc>>,
    ) -> Vec<(Duration, bool)> {
        let rules = self.0.iter().filter(|(_, often)| *often > DAY);
        let due = rules.filter(|(age, often)| {
            let often = TimeDelta::from_std(*often).unwrap_or(TimeDelta::MAX);
            // The night of the whole list comes first.
            let slack = if often < TimeDelta::days(7) {
                SLACK
            } else {
                TimeDelta::zero()
            };
            last(*age).is_none_or(|last| now - last >= often - slack)
        });
        due.map(|(age, often)| (*age, *often >= WEEK)).collect()
    }

    /// Up to which age posts are read every day or more often.
    pub fn daily(&self) -> TimeDelta {
        let daily = self.0.iter().filter(|(_, often)| *often <= DAY);
        let age = daily.map(|(age, _)| *age).max().unwrap_or_default();
        TimeDelta::from_std(age).unwrap_or(TimeDelta::MAX)
    }

    /// How often something of this age is read; `None` when it is not read again.
    pub fn every(&self, age: TimeDelta) -> Option<Duration> {
        let age = age.to_std().unwrap_or_default();
        let rule = self.0.iter().find(|(up_to, _)| age <= *up_to);
        rule.map(|(_, often)| *often)
    }
}

/// What is known when questions are chosen.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The present instant.
    pub now: DateTime<Utc>,
    /// IG User id.
    pub account_id: String,
    /// The account's posts, newest first.
    pub posts: Vec<Post>,
    /// How far each subject has been read.
    pub reads: BTreeMap<String, Read>,
    /// Subjects that were read before this are to be read again, whatever their age: a backfill reads everything once.
    pub everything_since: Option<DateTime<Utc>>,
    /// How often posts are read again.
    pub refresh: Refresh,
    /// The account's conversations, the one that moved last first.
    pub conversations: Vec<Conversation>,
    /// Names that the configuration gives: hashtags, usernames, ids. Each once, as the API has it.
    pub names: Vec<String>,
    /// Metrics that are refused: family and name.
    pub refused: BTreeSet<(String, String)>,
}

/// Nights do not begin at the same second: what is due within this is due.
const SLACK: TimeDelta = TimeDelta::hours(1);

impl Facts {
    /// Nothing is known but whose and when.
    #[cfg(test)]
    pub(super) fn of(account_id: &str, now: DateTime<Utc>) -> Self {
        Self {
            now,
            account_id: account_id.to_owned(),
            posts: Vec::new(),
            conversations: Vec::new(),
            reads: BTreeMap::new(),
            everything_since: None,
            refresh: Refresh::default(),
            names: Vec::new(),
            refused: BTreeSet::new(),
        }
    }

    /// Whether a subject of this age is to be read now.
    pub fn is_due(&self, subject: &str, age: TimeDelta) -> bool {
        self.is_due_every(subject, self.refresh.every(age))
    }

    /// Whether a subject is to be read now that is read that often; `None`: once.
    pub fn is_due_every(&self, subject: &str, often: Option<Duration>) -> bool {
        let Some(read) = self.reads.get(subject) else {
            return true;
        };
        if read.closed {
            return false;
        }
        let Some(read_at) = read.read_at else {
            return true;
        };
        if self.everything_since.is_some_and(|since| read_at < since) {
            return true;
        }
        let often = often.and_then(|often| TimeDelta::from_std(often).ok());
        // A backfill that goes on reads nothing a second time.
        self.everything_since.is_none()
            && often.is_some_and(|often| read_at + often <= self.now + SLACK)
    }

    /// Whether a subject was last read that long ago, or never: for backfills too, where they would read the same as yesterday.
    pub fn is_old(&self, subject: &str, often: Duration) -> bool {
        let often = chrono::TimeDelta::from_std(often).unwrap_or_default();
        self.last_read(subject)
            .is_some_and(|last| last.is_none_or(|at| at + often <= self.now + SLACK))
    }

    /// Whether tonight is the night of something that is read weekly, or it was never read: for backfills too.
    pub fn is_due_weekly(&self, subject: &str, place: i64) -> bool {
        self.last_read(subject)
            .is_some_and(|last| weekly::is_due(&self.account_id, place, last, self.now))
    }

    /// When a subject was last read, if ever; `None` where there is no use in asking.
    fn last_read(&self, subject: &str) -> Option<Option<DateTime<Utc>>> {
        match self.reads.get(subject) {
            Some(read) if read.closed => None,
            read => Some(read.and_then(|read| read.read_at)),
        }
    }

    /// Whether a subject was last read longer ago than that, or never: what a start that goes on does not ask again.
    pub fn was_not_read_within(&self, subject: &str, spacing: TimeDelta) -> bool {
        self.read_at(subject)
            .is_none_or(|at| at + spacing <= self.now)
    }

    /// When a subject was last read to its end.
    pub fn read_at(&self, subject: &str) -> Option<DateTime<Utc>> {
        self.reads.get(subject)?.read_at
    }

    /// The names, those first whose last turn is longest ago: where the budget is short, each has its turn some night.
    pub fn names_in_turn(&self, turn: impl Fn(&str) -> Option<DateTime<Utc>>) -> Vec<&str> {
        let mut names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        names.sort_by_cached_key(|name| turn(name));
        names
    }

    /// Where reading a subject's list goes on.
    pub fn cursor(&self, subject: &str) -> Option<String> {
        self.reads.get(subject)?.cursor.clone()
    }

    /// The fields of a family that are not refused.
    pub fn accepted_fields(&self, family: &str, mut fields: Fields) -> Fields {
        for (_, name) in self.refused.iter().filter(|(of, _)| of == family) {
            fields.remove(name);
        }
        fields
    }

    /// The metrics of a family that are not refused.
    pub fn accepted(&self, family: &str, metrics: &[&'static str]) -> Vec<&'static str> {
        let refused = |metric: &&&'static str| {
            let name = (family.to_owned(), (**metric).to_owned());
            !self.refused.contains(&name)
        };
        metrics.iter().filter(refused).copied().collect()
    }
}
