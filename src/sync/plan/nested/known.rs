//! What is known of the posts that a walk meets again: which of their numbers were refused before. Pure.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::resource::Nested;
use crate::store::{Post, Read};

/// Posts on a page on which one is refused a metric: so many lose it with that one.
pub(super) const NEIGHBOURS: u32 = 50;

/// So many posts are worth a page of their own.
const WORTH_A_PAGE: u32 = NEIGHBOURS / 2;

/// The posts of an account, and what is refused of them.
#[derive(Debug, Default)]
pub(in crate::sync) struct KnownPosts {
    /// When each was posted, newest first, and the metrics that its kind is refused.
    posts: Vec<(DateTime<Utc>, BTreeSet<&'static str>)>,
    /// The newest post from before the account's conversion: all older ones are from before it, too.
    unconverted: Option<DateTime<Utc>>,
}

/// The next page, as far as it is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ahead {
    /// A page of so many posts at most, without these metrics.
    Page(u32, BTreeSet<&'static str>),
    /// All that is left is from before the account's conversion.
    Unconverted,
}

impl KnownPosts {
    /// From posts, newest first; what questions about them are refused by kind (`reach of FEED IMAGE`) and one by one (id and metric);
    /// and how far each was read.
    pub(in crate::sync) fn new(
        nested: &Nested,
        posts: &[Post],
        refused: (&[String], &BTreeSet<(String, String)>),
        reads: &[Read],
    ) -> Self {
        let (of_kinds, of_objects) = refused;
        let closed = reads.iter().filter(|read| read.closed);
        let closed: BTreeSet<&str> = closed.map(|read| read.subject.as_str()).collect();
        let metrics = |post: &Post| {
            let family = (nested.family)(post);
            let is_refused = |metric: &&&str| {
                let of_kind = format!("{metric} of {family}");
                of_kinds.contains(&of_kind)
                    || of_objects.contains(&(post.id.clone(), (**metric).to_owned()))
            };
            nested.metrics.iter().filter(is_refused).copied().collect()
        };
        let is_listed = |post: &&Post| post.product_type.as_deref() != Some("STORY");
        let listed = posts.iter().filter(is_listed);
        let unconverted = listed
            .clone()
            .filter(|post| closed.contains(post.id.as_str()));
        Self {
            unconverted: unconverted.map(|post| post.timestamp).max(),
            posts: listed.map(|post| (post.timestamp, metrics(post))).collect(),
        }
    }

    /// What a page of at most so many posts will be refused, behind the post of an instant or from the top.
    pub(super) fn ahead(&self, behind: Option<DateTime<Utc>>, most: u32) -> Ahead {
        let shown = |(at, _): &(DateTime<Utc>, _)| behind.is_some_and(|behind| *at >= behind);
        let left = &self.posts[self.posts.partition_point(shown)..];
        let is_converted = |(at, _): &(DateTime<Utc>, _)| {
            self.unconverted.is_none_or(|unconverted| *at > unconverted)
        };
        let converted = left.partition_point(is_converted);
        let mut size = most;
        if converted < left.len() {
            size = size.min(u32::try_from(converted).unwrap_or(u32::MAX));
        }
        if size == 0 {
            return Ahead::Unconverted;
        }
        let alike = left.iter().take_while(|(_, refused)| *refused == left[0].1);
        let alike = u32::try_from(alike.count()).unwrap_or(u32::MAX);
        if alike < size && (alike as usize) < left.len() {
            // One that differs takes its metrics from no more than that.
            size = size.min(alike.max(WORTH_A_PAGE));
        }
        let page = left.iter().take(size as usize);
        let refused = page.flat_map(|(_, refused)| refused).copied().collect();
        Ahead::Page(size, refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::find;

    fn at(day: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_000 - day)
    }

    /// A post a day of these kinds, newest first, of which those from a day on are from before the conversion.
    fn known(kinds: &[&str], unconverted: Option<usize>) -> KnownPosts {
        let post = |(day, kind): (usize, &&str)| Post {
            id: day.to_string(),
            media_type: Some("VIDEO".to_owned()),
            product_type: Some((*kind).to_owned()),
            timestamp: at(i64::try_from(day).unwrap()),
            comments_count: None,
        };
        let posts: Vec<Post> = kinds.iter().enumerate().map(post).collect();
        let read = unconverted.map(|day| Read {
            subject: day.to_string(),
            closed: true,
            ..Read::default()
        });
        let refused = [
            "views of FEED VIDEO",
            "saved of FEED VIDEO",
            "saved of REELS VIDEO",
        ];
        let nested = find("media").unwrap().walk().unwrap().nested.unwrap();
        let reads: Vec<Read> = read.into_iter().collect();
        let alone = [("77".to_owned(), "reach".to_owned())].into();
        KnownPosts::new(
            nested,
            &posts,
            (&refused.map(str::to_owned), &alone),
            &reads,
        )
    }

    fn page(size: u32, without: &[&'static str]) -> Ahead {
        Ahead::Page(size, without.iter().copied().collect())
    }

    #[test]
    fn what_some_posts_of_a_page_are_refused_is_left_out_of_a_smaller_one() {
        let mut kinds = ["REELS"; 200];
        (kinds[20], kinds[150]) = ("FEED", "FEED");
        let known = known(&kinds, None);
        assert_eq!(known.ahead(None, 100), page(25, &["saved", "views"]));
        assert_eq!(known.ahead(Some(at(40)), 100), page(36, &["saved"]));
        assert_eq!(
            known.ahead(Some(at(60)), 100),
            page(25, &["reach", "saved"])
        );
        assert_eq!(known.ahead(Some(at(77)), 60), page(60, &["saved"]));
        assert_eq!(known.ahead(Some(at(77)), 100), page(72, &["saved"]));
        assert_eq!(
            known.ahead(Some(at(149)), 20),
            page(20, &["saved", "views"])
        );
        assert_eq!(known.ahead(Some(at(150)), 100), page(100, &["saved"]));
        assert_eq!(known.ahead(Some(at(199)), 100), page(100, &[]));
        assert_eq!(KnownPosts::default().ahead(None, 100), page(100, &[]));
    }

    #[test]
    fn stories_are_no_posts_and_what_is_not_known_is_asked_for() {
        let known = known(&["STORY", "OTHER"], None);
        assert_eq!(known.ahead(None, 100), page(100, &[]));
        assert_eq!(known.posts.len(), 1);
    }

    #[test]
    fn a_page_ends_where_the_account_was_converted_and_behind_it_nothing_is_asked() {
        let known = known(&["REELS"; 200], Some(130));
        assert_eq!(known.ahead(Some(at(80)), 100), page(49, &["saved"]));
        assert_eq!(known.ahead(Some(at(99)), 100), page(30, &["saved"]));
        assert_eq!(known.ahead(Some(at(129)), 100), Ahead::Unconverted);
        assert_eq!(known.ahead(Some(at(140)), 100), Ahead::Unconverted);
    }
}
