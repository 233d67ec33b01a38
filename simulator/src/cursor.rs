//! Opaque cursors. They name a slot of one edge, and no other edge accepts them.
//!
//! Meta's page: "Paginated Results" (developers.facebook.com/docs/graph-api/results).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::seed::Seed;

/// How every cursor begins before it is encoded; makes the visible text start with `QVFI`.
const PREFIX: &str = "AQH";

/// The cursors of one edge of one node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursors {
    key: Seed,
}

impl Cursors {
    pub(crate) fn of_edge(world: Seed, node: &str, edge: &str) -> Self {
        let key = node
            .bytes()
            .chain(edge.bytes())
            .fold(world.with(77), |key, byte| key.with(u64::from(byte)));
        Self { key }
    }

    pub(crate) fn encode(self, slot: u64) -> String {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&(slot ^ self.key.bits()).to_be_bytes());
        bytes[8..].copy_from_slice(&self.key.with(slot).bits().to_be_bytes());
        let mut inner = String::with_capacity(63);
        inner.push_str(PREFIX);
        inner.push_str(&URL_SAFE_NO_PAD.encode(bytes));
        self.key.with(slot).with(1).text_into(38, &mut inner);
        STANDARD.encode(inner)
    }

    /// The slot, or nothing when the text is no cursor of this edge.
    pub(crate) fn decode(self, cursor: &str) -> Option<u64> {
        let inner = STANDARD.decode(cursor).ok()?;
        let coded = inner.strip_prefix(PREFIX.as_bytes())?.get(..22)?;
        let bytes: [u8; 16] = URL_SAFE_NO_PAD.decode(coded).ok()?.try_into().ok()?;
        let (slot, check) = bytes.split_at(8);
        let slot = u64::from_be_bytes(slot.try_into().ok()?) ^ self.key.bits();
        (check == self.key.with(slot).bits().to_be_bytes()).then_some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_by_its_own_edge_only() {
        let world = Seed::new(1);
        let media = Cursors::of_edge(world, "17841400000000001", "media");
        let cursor = media.encode(42);
        assert!(cursor.starts_with("QVFI"), "{cursor}");
        assert_eq!(media.decode(&cursor), Some(42));
        let tags = Cursors::of_edge(world, "17841400000000001", "tags");
        assert_eq!(tags.decode(&cursor), None);
        assert_eq!(media.decode("QVFI"), None);
        assert_eq!(media.decode("made up"), None);
    }
}
