//! Cursors of lists: opaque to callers, and worthless when changed or taken to another list.
//!
//! `base64url(first 16 bytes of HMAC-SHA-256 ‖ position)`, keyed per installation and bound to the list's name.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Http;
use super::problem::Problem;

const MAC: usize = 16;
const MAX_CHARS: usize = 200;

impl Http {
    /// The cursor that continues `list` after `position`.
    #[must_use]
    pub fn cursor(&self, list: &str, position: &str) -> String {
        let mac = self.keyed("cursor", &format!("{list}\n{position}"));
        URL_SAFE_NO_PAD.encode([&mac[..MAC], position.as_bytes()].concat())
    }

    /// The position a cursor of `list` names.
    ///
    /// # Errors
    /// [`Problem::bad_cursor`], whatever is wrong with it.
    pub fn position<T: std::str::FromStr>(
        &self,
        list: &str,
        cursor: Option<&str>,
    ) -> Result<Option<T>, Problem> {
        let Some(cursor) = cursor.filter(|text| !text.is_empty()) else { return Ok(None) };
        let position = self.open_cursor(list, cursor).ok_or_else(Problem::bad_cursor)?;
        position.parse().map(Some).map_err(|_| Problem::bad_cursor())
    }

    fn open_cursor(&self, list: &str, cursor: &str) -> Option<String> {
        let bytes = (cursor.len() <= MAX_CHARS).then(|| URL_SAFE_NO_PAD.decode(cursor).ok())??;
        let (mac, position) = bytes.split_at_checked(MAC)?;
        let position = std::str::from_utf8(position).ok()?;
        let expected = self.keyed("cursor", &format!("{list}\n{position}"));
        same(mac, &expected[..MAC]).then(|| position.to_owned())
    }
}

/// Compares in a time that depends on the length alone.
#[must_use]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(a, b).is_ok()
}
