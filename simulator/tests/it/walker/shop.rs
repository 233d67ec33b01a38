//! Businesses, catalogs, products and quotas.

use serde_json::{Value, json};

use crate::probe::ids;

use super::Walk;

impl Walk<'_> {
    /// The other way to pages and accounts leads to the same ones.
    pub(super) async fn businesses(&mut self, pages: &[Value]) {
        let permissions = self.probe.ok("/v25.0/me/permissions").await;
        let granted = permissions["data"].as_array().unwrap().iter();
        assert!(granted.clone().count() > 0);
        assert!(granted.into_iter().all(|row| row["status"] == "granted"));
        let mut found = (Vec::new(), Vec::new());
        let mut of_clients = Vec::new();
        for business in self.probe.walk("/v25.0/me/businesses?limit=1").await {
            let business = business["id"].as_str().unwrap();
            for edge in ["owned_pages", "client_pages"] {
                let path = format!("/v25.0/{business}/{edge}?limit=1");
                found.0.extend(self.probe.walk(&path).await);
            }
            let path = format!("/v25.0/{business}/instagram_business_accounts?limit=1");
            let owned = self.probe.walk(&path).await;
            let path = format!("/v25.0/{business}/owned_instagram_accounts?limit=1");
            assert_eq!(self.probe.walk(&path).await, owned);
            found.1.extend(owned);
            let path = format!("/v25.0/{business}/client_instagram_accounts?limit=1");
            of_clients.extend(self.probe.walk(&path).await);
        }
        let sorted = |mut ids: Vec<String>| {
            ids.sort();
            ids
        };
        let owned = pages.iter().filter_map(|page| {
            let id = page["instagram_business_account"]["id"].as_str();
            id.map(str::to_owned)
        });
        assert_eq!(
            sorted(ids(&json!({"data": found.0}))),
            sorted(ids(&json!({"data": pages})))
        );
        let accounts = sorted(ids(&json!({"data": found.1})));
        let unowned: Vec<_> = owned.filter(|id| !accounts.contains(id)).collect();
        assert_eq!(unowned, ids(&json!({"data": of_clients})));
        assert_eq!(unowned.len(), 1, "that of the client");
    }

    pub(super) async fn shop(&mut self, account: &str) {
        let path = format!("/v25.0/{account}/content_publishing_limit?fields=config,quota_usage");
        for limit in self.probe.walk(&path).await {
            let row = json!({
                "account_id": account,
                "quota_usage": limit["quota_usage"],
                "quota_total": limit["config"]["quota_total"],
                "quota_duration": limit["config"]["quota_duration"],
            });
            self.add("publishing_limit", account.to_owned(), row);
        }
        let path = format!("/v25.0/{account}/available_catalogs");
        for mut catalog in self.probe.walk(&path).await {
            let id = catalog["catalog_id"].as_str().unwrap().to_owned();
            catalog["account_id"] = json!(account);
            self.add("available_catalogs", format!("{account}/{id}"), catalog);
            self.products(account, &id).await;
        }
    }

    async fn products(&mut self, account: &str, catalog: &str) {
        let path = format!("/v25.0/{account}/catalog_product_search?catalog_id={catalog}&q=");
        for mut product in self.probe.walk(&path).await {
            let id = product["product_id"].to_string();
            product["account_id"] = json!(account);
            product["catalog_id"] = json!(catalog);
            product["product_id"] = json!(id);
            self.add("catalog_products", format!("{account}/{id}"), product);
            let path = format!("/v25.0/{account}/product_appeal?product_id={id}");
            for mut appeal in self.probe.walk(&path).await {
                appeal["account_id"] = json!(account);
                appeal["product_id"] = json!(appeal["product_id"].to_string());
                self.add("product_appeals", format!("{account}/{id}"), appeal);
            }
        }
    }

    pub(super) async fn tagged_products_and_collaborators(&mut self, media: &str) {
        let path = format!("/v25.0/{media}/product_tags");
        for mut product in self.probe.walk(&path).await {
            let id = product["product_id"].to_string();
            product["media_id"] = json!(media);
            product["product_id"] = json!(id);
            self.add("product_tags", format!("{media}/{id}"), product);
        }
        let path = format!("/v25.0/{media}/collaborators");
        for mut collaborator in self.probe.walk(&path).await {
            collaborator["media_id"] = json!(media);
            let key = format!("{media}/{}", collaborator["id"].as_str().unwrap());
            self.add("collaborators", key, collaborator);
        }
    }
}
