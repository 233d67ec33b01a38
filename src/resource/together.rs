//! Questions about posts that one page of the list of posts can answer together. Pure.
//!
//! `GET /{ig-user}/media` with `since` and `until` ("IG User Media" reference) lists a stretch of posts, and what a question of its own
//! would tell of each comes nested. Whether the ends count is not documented, so the stretch is cut half-way to its neighbours. What a
//! page does not tell is asked one by one, whatever the reason: nothing depends on this but the number of calls.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::question::{Facts, Question};
use crate::graph::{Fields, Shape};
use crate::store::Post;

/// Posts a page at most: a full page of nested objects is heavy already.
pub(super) const MOST: usize = 50;

/// The account's posts and reels, newest first, as the list has them.
pub(super) fn listed(facts: &Facts) -> Vec<&Post> {
    let posts = facts.posts.iter();
    posts
        .filter(|post| post.product_type.as_deref() != Some("STORY"))
        .collect()
}

/// Joins questions about neighbours in the list that ask for the same metrics: one page cannot ask different posts for different ones.
pub(super) fn by_metrics(facts: &Facts, due: Vec<Question>) -> Vec<Question> {
    let listed = listed(facts);
    let mut due = by_subject(due);
    let (mut joined, mut run) = (Vec::new(), Vec::<(usize, Question)>::new());
    for (at, post) in listed.iter().enumerate() {
        let question = due.remove(&post.id);
        let goes_on = question.as_ref().is_some_and(|question| {
            let first = run.first();
            run.len() < MOST && first.is_none_or(|(_, first)| first.metrics == question.metrics)
        });
        if !goes_on {
            joined.extend(page_of_metrics(facts, &listed, std::mem::take(&mut run)));
        }
        run.extend(question.map(|question| (at, question)));
    }
    joined.extend(page_of_metrics(facts, &listed, run));
    joined
}

fn page_of_metrics(facts: &Facts, listed: &[&Post], run: Vec<(usize, Question)>) -> Vec<Question> {
    let metrics = run.first().map(|(_, first)| first.metrics.clone());
    page(facts, listed, run).map_or_else(
        |alone| alone,
        |page| {
            let family = format!("page of {}", page.family);
            let metrics = metrics.unwrap_or_default();
            vec![Question {
                metrics,
                family,
                ..page
            }]
        },
    )
}

/// Joins questions about posts that stand near each other in the list.
pub(super) fn by_place(
    facts: &Facts,
    due: Vec<Question>,
    fields: impl Fn(usize) -> Fields,
) -> Vec<Question> {
    let listed = listed(facts);
    let mut due = by_subject(due);
    let (mut joined, mut near) = (Vec::new(), Vec::<(usize, Question)>::new());
    let mut close = |near: Vec<(usize, Question)>| match page(facts, &listed, near) {
        Err(alone) => joined.extend(alone),
        Ok(page) => {
            let limit = page.limit.unwrap_or_default() as usize;
            let fields = fields(limit);
            joined.push(Question { fields, ..page });
        }
    };
    for (at, post) in listed.iter().enumerate() {
        let Some(question) = due.remove(&post.id) else {
            continue;
        };
        if near.first().is_some_and(|(first, _)| at >= first + MOST) {
            close(std::mem::take(&mut near));
        }
        near.push((at, question));
    }
    close(near);
    joined
}

fn by_subject(questions: Vec<Question>) -> BTreeMap<String, Question> {
    let named = questions.into_iter();
    named
        .map(|question| (question.subject.clone(), question))
        .collect()
}

/// The page that holds posts, from the first to the last of these places; one that is alone, and posts that stand where the list
/// cannot be cut, stay by themselves.
fn page(
    facts: &Facts,
    listed: &[&Post],
    run: Vec<(usize, Question)>,
) -> Result<Question, Vec<Question>> {
    let places = run.first().zip(run.last());
    let places = places.map(|((first, _), (last, _))| (*first, *last));
    let questions: Vec<Question> = run.into_iter().map(|(_, question)| question).collect();
    let Some((first, last)) = places.filter(|(first, last)| first < last) else {
        return Err(questions);
    };
    let newer = first.checked_sub(1).map(|at| listed[at].timestamp);
    let older = listed.get(last + 1).map(|post| post.timestamp);
    let until = newer.map_or(facts.now, |newer| between(listed[first].timestamp, newer));
    let since = older.map_or(listed[last].timestamp - TimeDelta::days(1), |older| {
        between(older, listed[last].timestamp)
    });
    let limit = u32::try_from(last - first + 1).unwrap_or(u32::MAX);
    Ok(Question {
        subject: format!("page/{}", listed[first].id),
        object_id: None,
        endpoint: "/{ig-user}/media",
        path: format!("/{}/media", facts.account_id),
        fields: Fields::of(["id"]),
        metrics: Vec::new(),
        params: [("since", since), ("until", until)]
            .map(|(name, at)| (name, at.timestamp().to_string()))
            .into(),
        limit: Some(limit),
        shape: Shape::Edge,
        after: None,
        family: questions[0].family.clone(),
        posted_at: Some(listed[first].timestamp),
        mark: None,
        otherwise: None,
        stands_for: questions,
        rest: None,
        news: None,
        ..Question::default()
    })
}

fn between(earlier: DateTime<Utc>, later: DateTime<Utc>) -> DateTime<Utc> {
    earlier + (later - earlier) / 2
}
