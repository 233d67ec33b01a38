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

/// Joins questions about neighbours in the list that ask for the same metrics, in the same way: one page cannot ask different posts for
/// different ones. Between them may stand posts that are not asked about and would not be refused.
pub(super) fn by_metrics(
    facts: &Facts,
    due: Vec<Question>,
    may_stand_between: impl Fn(&Post) -> bool,
) -> Vec<Question> {
    let listed = listed(facts);
    let mut due = by_post(due);
    let (mut joined, mut run) = (Vec::new(), Vec::<(usize, Question)>::new());
    for (at, post) in listed.iter().enumerate() {
        let question = due.remove(&post.id);
        if question.is_none() && may_stand_between(post) {
            continue;
        }
        let goes_on = question.as_ref().is_some_and(|question| {
            run.first()
                .is_none_or(|(from, first)| at < from + MOST && first.metrics == question.metrics)
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
    let first = run.first().map(|(_, first)| first);
    let (metrics, params) = first
        .map(|first| (first.metrics.clone(), first.params.clone()))
        .unwrap_or_default();
    page(facts, listed, run).map_or_else(
        |alone| alone,
        |page| {
            let family = format!("page of {}", page.family);
            let params = page.params.into_iter().chain(params).collect();
            vec![Question {
                metrics,
                params,
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
    let mut due = by_post(due);
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

fn by_post(questions: Vec<Question>) -> BTreeMap<String, Question> {
    let named = questions.into_iter();
    named
        .filter_map(|question| Some((question.object_id.clone()?, question)))
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
        subject: format!("page/{}", questions[0].subject),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::media_insights::of_media;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_791_187_200 + minutes * 60, 0).unwrap()
    }

    /// Posts of these kinds, newest first, ten minutes apart.
    fn facts(kinds: &[&str]) -> Facts {
        let mut facts = Facts::of("1", at(0));
        for (number, kind) in (0..).zip(kinds) {
            facts.posts.push(Post {
                id: number.to_string(),
                media_type: None,
                product_type: Some((*kind).to_owned()),
                timestamp: at(-10 * number),
                comments_count: None,
            });
        }
        facts
    }

    /// Asks about these posts for a metric of their kind; gives which questions stand for which posts.
    fn asked(facts: &Facts, due: &[usize]) -> Vec<Vec<String>> {
        let ask = |number: &usize| {
            let post = &facts.posts[*number];
            let feed = post.product_type.as_deref() == Some("FEED");
            let metrics = vec![if feed { "follows" } else { "views" }];
            of_media(post, "a family".to_owned(), metrics)
        };
        let joined = by_metrics(facts, due.iter().map(ask).collect(), |_| false);
        let posts = |one: Question| {
            let others = one.stands_for.into_iter().map(|one| one.subject);
            let others: Vec<String> = others.collect();
            if others.is_empty() {
                vec![one.subject]
            } else {
                others
            }
        };
        joined.into_iter().map(posts).collect()
    }

    #[test]
    fn neighbours_of_a_kind_are_joined_and_others_and_gaps_part_them() {
        let facts = facts(&["FEED", "STORY", "FEED", "REELS", "FEED", "FEED", "FEED"]);
        assert_eq!(
            asked(&facts, &[0, 2, 3, 4, 6]),
            [vec!["0", "2"], vec!["3"], vec!["4"], vec!["6"]]
        );
        assert_eq!(asked(&facts, &[4, 5, 6]), [["4", "5", "6"]]);
        assert_eq!(asked(&facts, &[]), [[""; 0]; 0]);
    }

    #[test]
    fn a_page_is_cut_half_way_to_its_neighbours_and_holds_no_more_than_fits() {
        let facts = facts(&["FEED"; 120]);
        let all: Vec<usize> = (0..120).collect();
        let sizes: Vec<usize> = asked(&facts, &all).iter().map(Vec::len).collect();
        assert_eq!(sizes, [50, 50, 20]);
        let ask = |number: usize| of_media(&facts.posts[number], String::new(), vec!["views"]);
        let page = by_metrics(&facts, vec![ask(3), ask(4)], |_| false).remove(0);
        assert_eq!((page.limit, page.path.as_str()), (Some(2), "/1/media"));
        let minute =
            |name| (page.param(name).unwrap().parse::<i64>().unwrap() - 1_791_187_200) / 60;
        assert_eq!((minute("until"), minute("since")), (-25, -45));
        let newest = by_metrics(&facts, vec![ask(0), ask(1)], |_| false).remove(0);
        assert_eq!(newest.param("until"), Some("1791187200"));
    }

    #[test]
    fn posts_near_each_other_are_one_page_whatever_their_kind() {
        let facts = facts(&["FEED", "REELS"].repeat(60));
        let ask = |number: usize| of_media(&facts.posts[number], String::new(), Vec::new());
        let due = [0, 7, 49, 50, 51, 110].map(ask).into();
        let joined = by_place(&facts, due, |posts| {
            Fields::of([posts.to_string().as_str()])
        });
        let told: Vec<(usize, String)> = joined
            .iter()
            .map(|one| (one.stands_for.len(), one.fields.to_string()))
            .collect();
        assert_eq!(
            told,
            [
                (3, "50".to_owned()),
                (2, "2".to_owned()),
                (0, String::new())
            ]
        );
    }
}
