//! Catalogs, products and collaborators.

use crate::id::MediaKind;
use crate::seed::Seed;

use super::account::Account;
use super::caption;
use super::media::{Media, ProductType};

/// A product of a catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// `product_id`
    pub product_id: u64,
    /// `retailer_id`
    pub retailer_id: String,
    /// Name.
    pub name: String,
    /// Price for people.
    pub price_string: String,
    /// `approved`, `rejected`, `pending`, `outdated` or empty.
    pub review_status: &'static str,
}

/// Somebody who was invited to a post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collaborator {
    /// IG User id.
    pub id: String,
    /// Handle.
    pub username: String,
    /// `Accepted` or `Pending`.
    pub invite_status: &'static str,
}

const GOODS: [&str; 6] = [
    "Rye loaf",
    "Enamel pin",
    "Running cap",
    "Poster A2",
    "Tote bag",
    "Sourdough starter",
];
const STATES: [&str; 5] = ["approved", "approved", "approved", "pending", "outdated"];

impl Account<'_> {
    /// The products of its catalog. Creator accounts have none.
    pub fn products(&self) -> Vec<Product> {
        let count = if self.spec().creator {
            0
        } else {
            self.spec().products
        };
        (0..u64::from(count))
            .map(|index| product(self.seed().with(60).with(index), index))
            .collect()
    }

    pub(crate) fn catalog_id(&self) -> String {
        self.seed()
            .with(61)
            .between(1_000_000_000_000_000, 9_999_999_999_999_999)
            .to_string()
    }

    pub(crate) fn merchant_id(&self) -> u64 {
        self.seed()
            .with(62)
            .between(90_000_000_000_000, 99_999_999_999_999)
    }
}

impl Media<'_> {
    /// Products that are tagged in it; neither stories nor Reels tell any.
    pub fn product_tags(&self) -> Vec<Product> {
        let tagged = self.path.kind == MediaKind::Post
            && self.path.child == 0
            && self.media_product_type() == ProductType::Feed
            && self
                .seed()
                .with(81)
                .per_mille(self.habits().product_tags_per_mille);
        let products = if tagged {
            self.account().products()
        } else {
            Vec::new()
        };
        products
            .into_iter()
            .take(1 + usize::from(self.seed().with(82).per_mille(300)))
            .collect()
    }

    /// Who was invited to publish it together; FEED videos and stories have nobody.
    pub fn collaborators(&self) -> Vec<Collaborator> {
        let invited = self.path.kind == MediaKind::Post
            && self.path.child == 0
            && !self.is_feed_video()
            && self
                .seed()
                .with(83)
                .per_mille(self.habits().collaborators_per_mille);
        let count = if invited {
            self.seed().with(84).between(1, 5)
        } else {
            0
        };
        (0..count)
            .map(|index| {
                let seed = self.seed().with(85).with(index);
                Collaborator {
                    id: seed
                        .with(1)
                        .between(17_841_460_000_000_000, 17_841_499_999_999_999)
                        .to_string(),
                    username: caption::username(seed.with(2)),
                    invite_status: if seed.with(3).per_mille(800) {
                        "Accepted"
                    } else {
                        "Pending"
                    },
                }
            })
            .collect()
    }
}

fn product(seed: Seed, index: u64) -> Product {
    Product {
        product_id: seed
            .with(1)
            .between(1_000_000_000_000_000, 9_999_999_999_999_999),
        retailer_id: format!("sku-{index}"),
        name: (*seed.with(2).pick(&GOODS)).to_owned(),
        price_string: format!(
            "\u{20AC}{}.{:02}",
            seed.with(3).between(2, 80),
            seed.with(4).below(100)
        ),
        review_status: seed.with(5).pick::<&'static str>(&STATES),
    }
}
