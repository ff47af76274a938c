//! Which texts fit the seven-bit alphabet of mobile networks (3GPP TS 23.038, 6.2.1).

const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// Whether every character has a place in the alphabet or its extension table.
pub(super) fn fits(text: &str) -> bool {
    text.chars().all(|c| BASIC.contains(c) || EXTENSION.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn western_texts_fit_and_others_do_not() {
        assert!(fits("Code: 1234 5678 (Köln, 5 €) [x]"));
        assert!(!fits("رمز الاستلام"));
        assert!(!fits("Paket – bereit"));
        assert!(!fits("Zażółć"));
        assert_eq!(BASIC.chars().count(), 127);
    }
}
