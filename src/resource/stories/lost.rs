//! What of stories cannot be read any more. Pure.

use chrono::TimeDelta;

use super::{LAST_HOUR, LIFE, LIST, has_ended, stories};
use crate::clock::instant_text;
use crate::resource::{Facts, Lost};

/// Less time without a reading than a day and this is not told of: daily jobs do not begin at the same minute.
const UNSEEN: TimeDelta = TimeDelta::hours(1);

/// Stories that have ended, and were not asked about in their last hour; and those that nobody saw.
pub(super) fn lost(facts: &Facts) -> Vec<Lost> {
    let mut lost = ended(facts);
    lost.extend(unseen(facts));
    lost
}

/// The time whose stories have ended since the list was read last, or since it was first tried to.
fn unseen(facts: &Facts) -> Option<Lost> {
    let listed = facts.reads.get(LIST).and_then(|read| read.read_at);
    let from = listed.unwrap_or(facts.pass_since - LIFE);
    let until = facts.now - LIFE;
    (until - from >= UNSEEN).then(|| {
        let (from, until) = (instant_text(from), instant_text(until));
        Lost {
            subject: None,
            object_id: Some(format!("stories after {from}")),
            field: None,
            detail: format!(
                "a story that was posted between {from} and {until} ended before the list of stories was read again"
            ),
        }
    })
}

/// Stories that were seen, and were not asked about in their last hour.
fn ended(facts: &Facts) -> Vec<Lost> {
    let ended = stories(facts).filter(|story| has_ended(facts, story));
    let lost = ended.filter_map(|story| {
        let read = facts.reads.get(&story.id);
        let read_at = read.and_then(|read| read.read_at);
        let is_final = read_at.is_some_and(|at| at >= story.timestamp + LAST_HOUR);
        if is_final || read.is_some_and(|read| read.closed) {
            return None;
        }
        let end = instant_text(story.timestamp + LIFE);
        let numbers = read.and_then(|read| read.mark.as_deref());
        Some(Lost {
            subject: Some(story.id.clone()),
            object_id: Some(story.id.clone()),
            field: None,
            detail: match numbers {
                Some(at) => format!("it ended at {end}; its numbers were last read at {at}"),
                None => format!("it ended at {end}, before any numbers could be read"),
            },
        })
    });
    lost.collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::facts;
    use super::*;

    #[test]
    fn a_story_that_ended_without_a_reading_in_its_last_hour_is_lost_and_says_when_it_was_read() {
        let lost_at = |minute, reads: &[(&str, i64)]| lost(&facts(minute, reads));
        assert!(lost_at(1439, &[]).is_empty());
        assert!(lost_at(1440, &[("7", 1390)]).is_empty());
        assert!(lost_at(1440, &[])[0].detail.contains("before any numbers"));
        let mut facts = facts(1500, &[("7", 60)]);
        let read = facts.reads.get_mut("7").unwrap();
        read.mark = Some("2026-10-05T09:00:00Z".to_owned());
        assert_eq!(
            lost(&facts)[0].detail,
            "it ended at 2026-10-06T08:00:00Z; its numbers were last read at 2026-10-05T09:00:00Z"
        );
        facts.reads.get_mut("7").unwrap().closed = true;
        assert!(lost(&facts).is_empty());
    }

    #[test]
    fn stories_of_a_time_in_which_the_list_was_not_read_were_seen_by_nobody() {
        let unseen_at = |minute, reads: &[(&str, i64)]| unseen(&facts(minute, reads));
        let hours = |hours: i64| hours * 60;
        assert_eq!(unseen_at(hours(24), &[(LIST, 0)]), None);
        assert_eq!(unseen_at(hours(24) + 59, &[(LIST, 0)]), None);
        let lost = unseen_at(hours(30), &[(LIST, 0)]).unwrap();
        assert_eq!(
            lost.object_id.unwrap(),
            "stories after 2026-10-05T08:00:00Z"
        );
        assert!(
            lost.detail
                .contains("between 2026-10-05T08:00:00Z and 2026-10-05T14:00:00Z")
        );
        // The first reading came later than it was first tried.
        let mut facts = facts(hours(6), &[]);
        assert_eq!(unseen(&facts), None);
        facts.pass_since -= TimeDelta::hours(6);
        let lost = unseen(&facts).unwrap();
        assert_eq!(
            lost.object_id.unwrap(),
            "stories after 2026-10-04T08:00:00Z"
        );
    }
}
