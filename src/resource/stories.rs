//! `stories`: stories while they are shown, and what Meta measured about them.
//!
//! `GET /{ig-user}/stories` ("IG User Stories" reference): only what is shown now, so a story is there for 24 hours. Its numbers
//! (`GET /{ig-media}/insights`, "Instagram Media Insights" page) can be had for as long, and are totals up to the moment. So they are
//! read often at first, ever more rarely later, and once more in the last hour: those numbers are final. Breakdowns cost a call of
//! their own each, because they refuse all other metrics, and are asked for only where there is something to break down. Left out are
//! `facebook_views`, which refuses all numbers of what was not shared to Facebook, and `has_poll` and `has_slider`, of Meta's SDK only.

mod lost;
mod reading;

use chrono::TimeDelta;

use super::media::{MEDIA_TABLE, SNAPSHOTS};
use super::media_insights::{self, MEDIA_INSIGHTS_TABLE};
use super::{Facts, Meter, Question, Questions, Resource, Work, fields_of};
use crate::clock::instant_text;
use crate::graph::{Fields, Shape};
use crate::store::Post;

/// The resource.
pub(super) static STORIES: Resource = Resource {
    name: "stories",
    permissions: &[
        "instagram_basic",
        "instagram_manage_insights",
        "pages_read_engagement",
    ],
    meter: Meter::Account,
    urgent: true,
    tables: &[&MEDIA_TABLE, &SNAPSHOTS, &MEDIA_INSIGHTS_TABLE],
    work: Work::Questions(Questions {
        due,
        rows: reading::rows,
        lost: Some(lost::lost),
    }),
};

/// How long a story is shown.
const LIFE: TimeDelta = TimeDelta::hours(24);

/// Numbers from this age on are final.
const LAST_HOUR: TimeDelta = TimeDelta::hours(23);

/// Numbers are read again after this at the earliest, and after a share of the story's age.
const SPACING: TimeDelta = TimeDelta::hours(1);
const SHARE_OF_AGE: i32 = 6;

/// The same of breakdowns.
const SPACING_OF_BREAKDOWNS: TimeDelta = TimeDelta::hours(6);

/// The list is read again after this, so that a start that goes on does not pay for it twice.
const SPACING_OF_LIST: TimeDelta = TimeDelta::minutes(10);

/// Jobs do not begin at the same second of the hour.
const SLACK: TimeDelta = TimeDelta::minutes(5);

/// A breakdown that costs a call for each story is read once, and again from this age on.
const LATE: TimeDelta = TimeDelta::hours(18);

const ENDPOINT: &str = "/{ig-user}/stories";

/// The subject of the list.
const LIST: &str = "shown now";

const METRICS: &[&str] = &[
    "reach",
    "views",
    "replies",
    "shares",
    "reposts",
    "total_interactions",
    "follows",
    "profile_visits",
    "profile_activity",
    "navigation",
    "link_clicks",
    "total_views",
];

/// Metrics with their breakdowns.
const BREAKDOWNS: &[(&str, &str)] = &[
    ("navigation", "story_navigation_action_type"),
    ("profile_activity", "action_type"),
];

/// What only posts and reels have ("IG Media" reference).
const NOT_OF_STORIES: &[&str] = &[
    "boost_eligibility_info",
    "is_shared_to_feed",
    "reposts_count",
    "saved_count",
    "shares_count",
];

fn due(facts: &Facts) -> Vec<Question> {
    let read = facts.reads.get(LIST);
    let listed = read.and_then(|read| read.read_at);
    let going_on = read.is_some_and(|read| read.cursor.is_some());
    let list = going_on || listed.is_none_or(|at| at + SPACING_OF_LIST <= facts.now);
    // What ends first, first.
    let shown = stories(facts).rev();
    let shown: Vec<&Post> = shown.filter(|story| !has_ended(facts, story)).collect();
    let mut due: Vec<Question> = list.then(|| of_list(facts, &shown)).into_iter().collect();
    if due.iter().any(|list| !list.stands_for.is_empty()) {
        // It brings the numbers along, or shows whom to ask.
        return due;
    }
    for story in &shown {
        if is_due(facts, story, &story.id, SPACING) || is_suspect(facts, &shown, story) {
            due.extend(of_numbers(facts, story));
        }
    }
    for (metric, breakdown) in BREAKDOWNS {
        due.extend(by_breakdown(facts, &shown, metric, breakdown));
    }
    due
}

/// The parts of a metric: of all stories in one call as long as all but the newest have numbers, else of each, early and late.
fn by_breakdown(
    facts: &Facts,
    shown: &[&Post],
    metric: &'static str,
    breakdown: &'static str,
) -> Vec<Question> {
    let subject = |story: &Post| of_metric(&story.id, metric);
    let is_begun = |story: &&&Post| facts.reads.contains_key(&subject(story));
    let begun: Vec<&Post> = shown.iter().filter(is_begun).copied().collect();
    let is_part_due = |story: &&&Post| is_due(facts, story, &subject(story), SPACING_OF_BREAKDOWNS);
    let due: Vec<&Post> = begun.iter().filter(is_part_due).copied().collect();
    let ask = |story: &&Post| of_breakdown(facts, story, metric, breakdown);
    let Some(after) = told_from(facts, shown).filter(|_| begun.len() > 1 && !due.is_empty()) else {
        let is_worth_it = |story: &&&Post| {
            let read = facts.reads.get(&subject(story));
            story.timestamp + LATE <= facts.now || read.is_none_or(|read| read.read_at.is_none())
        };
        return due.iter().filter(is_worth_it).filter_map(ask).collect();
    };
    let questions: Vec<Question> = begun.iter().filter_map(ask).collect();
    let Some(first) = questions.first().cloned() else {
        return questions;
    };
    vec![Question {
        subject: format!("{LIST} {metric}"),
        object_id: None,
        endpoint: ENDPOINT,
        path: format!("/{}/stories", facts.account_id),
        fields: Fields::of(["id"]),
        limit: Some(100),
        shape: Shape::Edge,
        posted_at: None,
        after: (!after.is_empty()).then_some(after),
        stands_for: questions,
        ..first
    }]
}

/// From where on all stories of the list have numbers, as far as it was read just now; empty: from its top.
fn told_from(facts: &Facts, shown: &[&Post]) -> Option<String> {
    let list = facts.reads.get(LIST)?;
    let is_fresh = list
        .read_at
        .is_some_and(|at| at + SPACING_OF_LIST > facts.now);
    let has_none = |story: &&Post| {
        let read = facts.reads.get(&story.id);
        read.is_none_or(|read| read.mark.is_none())
    };
    let newest = shown.last().is_some_and(has_none);
    let after = list.mark.clone().filter(|after| after.is_empty() != newest);
    let others = shown.split_last().map_or(shown, |(_, others)| others);
    after.filter(|_| is_fresh && !others.iter().any(has_none))
}

/// Whether the numbers of the list were refused on account of this story, as was thought until the others were refused them, too.
fn is_suspect(facts: &Facts, shown: &[&Post], story: &Post) -> bool {
    let read_at = facts.reads.get(&story.id).and_then(|read| read.read_at);
    let just_now = read_at.is_some_and(|at| at + SPACING_OF_LIST > facts.now);
    just_now && is_silent(facts, story) && told_from(facts, shown).is_none()
}

/// Whether a story was asked about and has no numbers: the whole list would be refused them.
fn is_silent(facts: &Facts, story: &Post) -> bool {
    let read = facts.reads.get(&story.id);
    read.is_some_and(|read| read.mark.is_none() && read.read_at.is_some())
}

fn stories(facts: &Facts) -> impl DoubleEndedIterator<Item = &Post> {
    let posts = facts.posts.iter();
    posts.filter(|post| post.product_type.as_deref() == Some("STORY"))
}

fn has_ended(facts: &Facts, story: &Post) -> bool {
    story.timestamp + LIFE <= facts.now
}

fn is_due(facts: &Facts, story: &Post, subject: &str, spacing: TimeDelta) -> bool {
    let Some(read) = facts.reads.get(subject) else {
        return true;
    };
    let Some(read_at) = read.read_at else {
        return !read.closed;
    };
    let last_hour = story.timestamp + LAST_HOUR;
    if read.closed || read_at >= last_hour {
        return false;
    }
    let spacing = spacing.max((read_at - story.timestamp) / SHARE_OF_AGE);
    facts.now >= last_hour || read_at + spacing <= facts.now + SLACK
}

/// The list, with the numbers of all stories, unless some of them are known to have none.
fn of_list(facts: &Facts, shown: &[&Post]) -> Question {
    let mut fields = fields_of(&MEDIA_TABLE).and(fields_of(&SNAPSHOTS));
    for name in NOT_OF_STORIES {
        fields.remove(name);
    }
    let list = Question {
        subject: LIST.to_owned(),
        object_id: None,
        endpoint: ENDPOINT,
        path: format!("/{}/stories", facts.account_id),
        fields: facts.accepted_fields(LIST, fields),
        metrics: Vec::new(),
        params: Vec::new(),
        limit: Some(100),
        shape: Shape::Edge,
        after: facts.cursor(LIST),
        otherwise: None,
        stands_for: Vec::new(),
        rest: None,
        news: None,
        family: LIST.to_owned(),
        posted_at: None,
        mark: None,
        ..Question::default()
    };
    let numbers = Question {
        metrics: facts.accepted(LIST, METRICS),
        mark: Some(instant_text(facts.now)),
        stands_for: vec![list.clone()],
        ..list.clone()
    };
    let newest = Question {
        limit: Some(1),
        rest: Some(Box::new(numbers.clone())),
        ..list.clone()
    };
    let mut silent = shown.iter().rev().map(|story| is_silent(facts, story));
    match (silent.next().unwrap_or_default(), silent.any(|is| is)) {
        (_, true) => list,
        // The newest has the fewest viewers, so that the others may all have numbers.
        (true, false) => newest,
        (false, false) => Question {
            stands_for: vec![newest],
            ..numbers
        },
    }
}

fn of_numbers(facts: &Facts, story: &Post) -> Option<Question> {
    let family = family(story);
    let metrics = facts.accepted(&family, METRICS);
    (!metrics.is_empty()).then(|| Question {
        mark: Some(instant_text(facts.now)),
        ..media_insights::of_media(story, family, metrics)
    })
}

fn of_breakdown(
    facts: &Facts,
    story: &Post,
    metric: &'static str,
    breakdown: &str,
) -> Option<Question> {
    let family = format!("{} by {breakdown}", family(story));
    let metrics = facts.accepted(&family, &[metric]);
    (!metrics.is_empty()).then(|| Question {
        subject: of_metric(&story.id, metric),
        params: vec![("breakdown", breakdown.to_owned())],
        ..media_insights::of_media(story, family, metrics)
    })
}

fn family(story: &Post) -> String {
    format!("STORY {}", story.media_type.as_deref().unwrap_or_default())
}

/// The subject of a metric's breakdown.
fn of_metric(story_id: &str, metric: &str) -> String {
    format!("{story_id}:{metric}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono::{DateTime, Utc};

    use super::*;
    use crate::resource::Refresh;
    use crate::store::Read;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_791_187_200 + minutes * 60, 0).unwrap()
    }

    /// A story from minute 0, at a minute of its life, with the minutes at which subjects were read.
    pub(super) fn facts(minute: i64, reads: &[(&str, i64)]) -> Facts {
        let read = |&(subject, minute): &(&str, i64)| Read {
            subject: subject.to_owned(),
            read_at: Some(at(minute)),
            mark: Some(instant_text(at(minute))),
            ..Read::default()
        };
        Facts {
            now: at(minute),
            account_id: "1".to_owned(),
            posts: vec![Post {
                id: "7".to_owned(),
                media_type: Some("IMAGE".to_owned()),
                product_type: Some("STORY".to_owned()),
                timestamp: at(0),
                comments_count: None,
            }],
            conversations: Vec::new(),
            reads: reads
                .iter()
                .map(read)
                .map(|read| (read.subject.clone(), read))
                .collect(),
            pass_since: at(minute),
            everything_since: Some(at(minute)),
            refresh: Refresh::default(),
            names: Vec::new(),
            refused: BTreeSet::new(),
        }
    }

    fn subjects(minute: i64, reads: &[(&str, i64)]) -> Vec<String> {
        let due = due(&facts(minute, reads)).into_iter();
        due.map(|question| question.subject).collect()
    }

    #[test]
    fn the_list_is_read_first_and_a_start_that_goes_on_does_not_read_it_again() {
        // With the list come the numbers.
        assert_eq!(subjects(3, &[]), [LIST]);
        assert!(!due(&facts(3, &[]))[0].metrics.is_empty());
        assert_eq!(subjects(3, &[(LIST, 1)]), ["7"]);
        assert_eq!(subjects(13, &[(LIST, 1), ("7", 1)]), [LIST]);
    }

    #[test]
    fn numbers_are_read_ever_more_rarely_and_once_more_in_the_last_hour() {
        let asks = |minute, last| subjects(minute, &[(LIST, minute), ("7", last)]).len() == 1;
        assert!(!asks(40, 0) && asks(57, 0) && asks(120, 60));
        assert!(!asks(13 * 60, 12 * 60) && asks(14 * 60, 12 * 60));
        assert!(asks(23 * 60, 22 * 60 + 59));
        assert!(!asks(23 * 60 + 59, 23 * 60) && !asks(24 * 60, 60));
    }

    #[test]
    fn breakdowns_are_asked_for_only_where_there_is_something_and_not_as_often() {
        // One that is alone: early, which is what is tested below, and late.
        let asks = |minute, last| {
            let reads = [(LIST, minute), ("7", minute), ("7:navigation", last)];
            subjects(minute, &reads) == ["7:navigation"]
        };
        assert!(!asks(600, 60) && asks(1100, 60) && !asks(1100, 1000));
        let mut facts = facts(600, &[(LIST, 600), ("7", 600), ("7:navigation", 0)]);
        if let Some(read) = facts.reads.get_mut("7:navigation") {
            read.read_at = None;
        }
        let question = &due(&facts)[0];
        assert_eq!(question.metrics, ["navigation"]);
        assert_eq!(question.object_id.as_deref(), Some("7"));
        assert_eq!(
            question.params,
            [("breakdown", "story_navigation_action_type".to_owned())]
        );
    }

    /// Stories from the same hour, of which all but some have numbers; the list was told from a place on.
    fn shown(without: &[usize], told_from: &str) -> Facts {
        let mut facts = facts(600, &[(LIST, 600)]);
        let story = facts.posts.remove(0);
        for number in 0..3 {
            let id = format!("s{number}");
            let mut read = Read {
                subject: id.clone(),
                read_at: Some(at(600)),
                mark: Some(instant_text(at(600))),
                ..Read::default()
            };
            if without.contains(&number) {
                read.mark = None;
            }
            let part = Read {
                subject: of_metric(&id, "navigation"),
                ..Read::default()
            };
            facts.reads.insert(id.clone(), read);
            facts.reads.insert(part.subject.clone(), part);
            let timestamp = at(100 - i64::try_from(number).unwrap());
            facts.posts.push(Post {
                id,
                timestamp,
                ..story.clone()
            });
        }
        if let Some(list) = facts.reads.get_mut(LIST) {
            list.mark = Some(told_from.to_owned());
        }
        facts
    }

    #[test]
    fn parts_of_all_stories_are_asked_for_together_from_where_all_have_numbers() {
        let asked = |without: &[usize], told_from: &str| -> Vec<(String, Option<String>, usize)> {
            let due = due(&shown(without, told_from)).into_iter();
            due.map(|one| (one.subject, one.after, one.stands_for.len()))
                .collect()
        };
        let together = |after: Option<&str>| {
            (
                "shown now navigation".to_owned(),
                after.map(str::to_owned),
                3,
            )
        };
        assert_eq!(asked(&[], ""), [together(None)]);
        assert_eq!(asked(&[0], "c"), [together(Some("c"))]);
        // Another one than the newest has none, or the list was not told from there.
        for (without, told_from) in [(&[1][..], "c"), (&[0], ""), (&[0, 2], "c")] {
            let asked = asked(without, told_from);
            assert!(asked.iter().all(|one| one.2 == 0), "{asked:?}");
            assert_eq!(asked.len(), 3 + without.len());
        }
    }

    #[test]
    fn a_list_is_asked_for_numbers_unless_one_of_its_stories_is_known_to_have_none() {
        let list = |without: &[usize]| {
            let mut facts = shown(without, "");
            facts.now = at(700);
            due(&facts).swap_remove(0)
        };
        let all = list(&[]);
        assert_eq!(
            (all.metrics.is_empty(), all.stands_for[0].limit),
            (false, Some(1))
        );
        let newest = list(&[0]);
        assert_eq!((newest.metrics.is_empty(), newest.limit), (true, Some(1)));
        assert!(!newest.rest.unwrap().metrics.is_empty());
        let plain = list(&[1]);
        assert!(plain.metrics.is_empty() && plain.rest.is_none());
    }
}
