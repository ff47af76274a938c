//! What a file is, by its first bytes, whatever its name says.

/// A kind of file that can be attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A photo (ISO/IEC 10918-1).
    Jpeg,
    /// A picture (ISO/IEC 15948).
    Png,
    /// A document (ISO 32000).
    Pdf,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Jpeg, Self::Png, Self::Pdf];

    /// What a content is, if it is anything that can be attached.
    #[must_use]
    pub fn of(content: &[u8]) -> Option<Self> {
        let begins = |with: &[u8]| content.starts_with(with);
        match content {
            _ if begins(&[0xff, 0xd8, 0xff]) => Some(Self::Jpeg),
            _ if begins(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR") => Some(Self::Png),
            _ if begins(b"%PDF-1.") || begins(b"%PDF-2.") => Some(Self::Pdf),
            _ => None,
        }
    }

    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::Pdf => "pdf",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The ending of a file's name.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Pdf => "pdf",
        }
    }

    /// The media type (RFC 6838).
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Pdf => "application/pdf",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_it_begins_with() {
        assert_eq!(Kind::of(b"\xff\xd8\xff\xe0\0\x10JFIF"), Some(Kind::Jpeg));
        assert_eq!(Kind::of(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0"), Some(Kind::Png));
        assert_eq!(Kind::of(b"%PDF-1.7\n"), Some(Kind::Pdf));
        for other in
            [&b""[..], b"\xff\xd8", b"\x89PNG", b"<svg xmlns", b"GIF89a", b"MZ", b"PK\x03\x04", b" %PDF-1.7"]
        {
            assert_eq!(Kind::of(other), None, "{other:?}");
        }
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
        }
    }
}
