//! The worlds of the scenarios.

use chrono::TimeDelta;
use igsync_simulator::{AccountSpec, PageSpec, WorldSpec};

/// One account, begun at an hour at which no number is worked out.
pub fn one(change: impl FnOnce(&mut AccountSpec)) -> WorldSpec {
    let mut spec = WorldSpec::small(1);
    spec.epoch = "2026-10-05T02:30:00Z".parse().unwrap();
    change(spec.pages[0].account.as_mut().unwrap());
    spec
}

pub fn mixed() -> WorldSpec {
    let mut spec = one(|account| {
        account.stories_per_day = 5;
        account.videos_per_mille = 150;
        account.lives_per_mille = 30;
        account.hidden_likes_per_mille = 300;
        account.hidden_shares_per_mille = 300;
        account.comments_off_per_mille = 200;
        account.deleted_per_mille = 100;
        account.crossposted_per_mille = 300;
    });
    spec.rules.follows_and_shares_on_images = false;
    spec
}

/// Converted to a professional account in the middle of its list of posts.
pub fn converted() -> WorldSpec {
    let mut spec = one(|account| account.stories_per_day = 2);
    let epoch = spec.epoch;
    let account = spec.pages[0].account.as_mut().unwrap();
    account.converted_at = Some(epoch - TimeDelta::days(150));
    spec
}

pub fn empty() -> WorldSpec {
    let mut spec = one(|account| {
        (account.posts, account.posts_per_week) = (0, 0);
        (account.followers, account.followers_per_day) = (0, 0);
    });
    // Nobody sees it, but somebody has to be allowed to ask.
    spec.meters.buc_instagram_calls = Some(1_000);
    spec
}

/// A young post with 5,000 comments and their replies, and more every day.
pub fn discussed() -> WorldSpec {
    one(|account| {
        (account.posts, account.posts_per_week) = (1, 0);
        account.history_days = 100;
        (account.mean_comments, account.replied_per_mille) = (16_000, 1_000);
        account.comments_off_per_mille = 0;
    })
}

/// A hundred stories at once, some with next to no viewers.
pub fn many_stories() -> WorldSpec {
    one(|account| {
        (account.posts, account.videos_per_mille) = (10, 0);
        account.stories_per_day = 105;
        account.quiet_stories_per_mille = 100;
    })
}

/// As many posts as the API lists.
pub fn many_posts() -> WorldSpec {
    let mut spec = one(|account| {
        account.posts = 10_000;
        account.history_days = 3 * 365;
        account.posts_per_week = 60;
        account.mean_comments = 1;
    });
    // It is about equality here: a day's calls are not enough for so many.
    spec.meters.buc_instagram_calls = Some(100_000);
    spec
}

/// Two small accounts.
pub fn two(epoch: &str) -> WorldSpec {
    let page = |number| {
        let account = AccountSpec {
            posts: 40,
            history_days: 120,
            stories_per_day: 2,
            mean_comments: 3,
            ..AccountSpec::numbered(number)
        };
        PageSpec::numbered(number, Some(account))
    };
    WorldSpec {
        epoch: epoch.parse().unwrap(),
        // Their lists are walked through in the same night of the week.
        pages: [1, 8].map(page).to_vec(),
        ..WorldSpec::small(2)
    }
}
