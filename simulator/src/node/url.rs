//! Signed addresses of files: the path stays, the query is another one on every read.

use crate::reader::Reader;

/// A file of Instagram's own network.
pub(super) fn signed(reader: &mut Reader<'_>, path: &str) -> String {
    on_host(reader, "scontent-iad3-1.cdninstagram.com", path)
}

/// A file of Facebook's network: profile pictures.
pub(super) fn signed_profile_picture(reader: &mut Reader<'_>, path: &str) -> String {
    on_host(reader, "scontent-iad3-1.xx.fbcdn.net", path)
}

fn on_host(reader: &mut Reader<'_>, host: &str, path: &str) -> String {
    let nonce = reader.next_nonce();
    let expires = reader.now + reader.rules().media_url_seconds;
    let mut url = String::with_capacity(path.len() + 300);
    url.push_str("https://");
    url.push_str(host);
    url.push_str(path);
    url.push_str("?stp=dst-jpg_e35_tt6&_nc_cat=105&ccb=7-5&_nc_sid=18de74&_nc_ohc=");
    nonce.with(2).text_into(23, &mut url);
    url.push_str("&_nc_oc=");
    nonce.with(3).text_into(44, &mut url);
    url.push_str("&_nc_zt=23&_nc_ht=");
    url.push_str(host);
    url.push_str("&edm=AM6HXa8EAAAA&_nc_gid=");
    nonce.with(4).text_into(22, &mut url);
    url.push_str("&oh=00_");
    nonce.with(5).text_into(40, &mut url);
    url.push_str(&format!("&oe={expires:08X}"));
    url
}
