//! Rows about catalogs, products and the publishing quota.
//!
//! Meta's pages: "IG User Available Catalogs", "… Catalog Product Search", "… Product Appeal" and "… Content Publishing
//! Limit" references.

use serde_json::{Value, json};

use crate::world::{Account, DAY, World};

use super::Expectation;

/// The sample of the page; its guide says 100.
const QUOTA_TOTAL: u64 = 50;

pub(super) fn table(account: Account<'_>, table: &str, expectation: &mut Expectation<'_>) {
    if table == "publishing_limit" {
        expectation.add(table, account.id().to_owned(), publishing_limit(account));
        return;
    }
    let products = account.products();
    if table == "available_catalogs" && !products.is_empty() {
        let catalog = account.catalog_id();
        let row = json!({
            "account_id": account.id(),
            "catalog_id": catalog,
            "catalog_name": format!("{} catalog", account.username()),
            "shop_name": account.username(),
            "product_count": products.len(),
        });
        expectation.add(table, format!("{}/{catalog}", account.id()), row);
    }
    for product in &products {
        let id = product.product_id.to_string();
        let row = match table {
            "catalog_products" => json!({
                "account_id": account.id(),
                "catalog_id": account.catalog_id(),
                "product_id": id,
                "product_name": product.name,
                "retailer_id": product.retailer_id,
                "review_status": product.review_status,
            }),
            "product_appeals" => json!({
                "account_id": account.id(),
                "product_id": id,
                "review_status": product.review_status,
                "eligible_for_appeal": product.review_status == "rejected",
            }),
            _ => return,
        };
        expectation.add(table, format!("{}/{id}", account.id()), row);
    }
}

pub(super) fn publishing_limit_at(world: &World, account: &str, now: i64) -> Option<Value> {
    let account = world.account(account)?;
    world.page_of_account(account.index())?;
    Some(publishing_limit(account.as_of(now)))
}

/// Posts of the last day.
fn publishing_limit(account: Account<'_>) -> Value {
    let used = account.slots() - account.slot_at(account.now() - DAY);
    json!({
        "account_id": account.id(),
        "quota_usage": used,
        "quota_total": QUOTA_TOTAL,
        "quota_duration": DAY,
    })
}
