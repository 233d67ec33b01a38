//! Worlds that are ready to use.

use chrono::TimeDelta;

use crate::spec::{AccountSpec, HashtagSpec, PageSpec, TokenSpec, WorldSpec};

impl WorldSpec {
    /// One token, two pages, one of them with an account of 120 posts.
    pub fn small(seed: u64) -> Self {
        Self {
            seed,
            tokens: vec![TokenSpec::default()],
            pages: vec![
                PageSpec::numbered(1, Some(AccountSpec::numbered(1))),
                PageSpec::numbered(2, None),
            ],
            ..Self::default()
        }
    }

    /// One account with `posts` posts over three years. The list then holds the 10,000 most recent ones, unless
    /// `media_list_cap` is raised.
    pub fn single_account(seed: u64, posts: u32) -> Self {
        let account = AccountSpec {
            posts,
            history_days: 3 * 365,
            ..AccountSpec::numbered(1)
        };
        Self {
            seed,
            tokens: vec![TokenSpec::default()],
            pages: vec![PageSpec::numbered(1, Some(account))],
            ..Self::default()
        }
    }

    /// `accounts` accounts with `posts` posts each, one page and one token for all.
    pub fn many_accounts(seed: u64, accounts: u32, posts: u32) -> Self {
        let pages = (1..=u64::from(accounts))
            .map(|number| {
                let account = AccountSpec {
                    posts,
                    ..AccountSpec::numbered(number)
                };
                PageSpec::numbered(number, Some(account))
            })
            .collect();
        Self {
            seed,
            tokens: vec![TokenSpec::default()],
            pages,
            ..Self::default()
        }
    }

    /// Four accounts of different size and habit with a year of history, and everything else that the API can tell.
    pub fn demo(seed: u64) -> Self {
        let lively = AccountSpec {
            posts_per_week: 9,
            stories_per_day: 4,
            tagged_per_year: 120,
            mentions: 6,
            collaborations: 5,
            collaborators_per_mille: 60,
            conversations: 4,
            messages_per_conversation: 26,
            requests_per_mille: 250,
            deleted_per_mille: 25,
            crossposted_per_mille: 200,
            lives_per_mille: 15,
            ..AccountSpec::default()
        };
        let bakery = AccountSpec {
            username: "kornblume.bakery".to_owned(),
            name: "Kornblume Bakery".to_owned(),
            followers: 48_000,
            followers_per_day: 60,
            posts: 210,
            mean_comments: 12,
            products: 12,
            product_tags_per_mille: 100,
            ..lively.clone()
        };
        let museum = AccountSpec {
            id: "17841400000000002".to_owned(),
            username: "museum.of.small.things".to_owned(),
            name: "Museum of Small Things".to_owned(),
            followers: 230_000,
            followers_per_day: 140,
            posts: 400,
            mean_comments: 20,
            story_replies_hidden: true,
            ..lively.clone()
        };
        let runner = AccountSpec {
            id: "17841400000000003".to_owned(),
            username: "nadia.runs".to_owned(),
            name: "Nadia \u{1F3C3}\u{200D}\u{2640}\u{FE0F}".to_owned(),
            followers: 9_300,
            followers_per_day: 21,
            posts: 150,
            creator: true,
            reels_per_mille: 700,
            ..lively.clone()
        };
        let newcomer = AccountSpec {
            id: "17841400000000004".to_owned(),
            username: "tiny.new.shop".to_owned(),
            name: String::new(),
            website: String::new(),
            followers: 64,
            followers_per_day: 1,
            posts: 25,
            quiet_stories_per_mille: 600,
            ..lively
        };
        let mut spec = Self {
            seed,
            tokens: vec![TokenSpec::default()],
            others: (900..903).map(AccountSpec::numbered).collect(),
            hashtags: ["sourdough", "smallmuseums", "trailrunning"]
                .map(|name| HashtagSpec {
                    name: name.to_owned(),
                    posts_per_day: 40,
                    sensitive: false,
                })
                .to_vec(),
            ..Self::default()
        };
        let converted_at = spec.epoch - TimeDelta::days(200);
        spec.pages = [bakery, museum, runner, newcomer]
            .into_iter()
            .zip(1..)
            .map(|(account, number)| {
                let id = format!("1784140000000000{number}");
                let converted_at = (number == 3).then_some(converted_at);
                PageSpec::numbered(
                    number,
                    Some(AccountSpec {
                        id,
                        converted_at,
                        ..account
                    }),
                )
            })
            .collect();
        spec.pages.push(PageSpec::numbered(5, None));
        spec
    }
}
