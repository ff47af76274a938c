//! Reading QR tokens: form and signature, offline. Whether one opens a door is the engine's decision.

use bailee_domain::bank::io::{TokenClaims, TokenFault};
use bailee_domain::id::BankId;
use bailee_domain::roster::IssuerKey;
use bailee_vault::sign::PublicKey;
use bailee_wire::token::{self, TokenError};

/// What a text is: nothing of ours, a token not to be believed, or what a genuine one claims.
///
/// # Errors
/// [`TokenError`] when the text has not even the form of a token; the camera sees many other QR codes.
pub fn read(
    text: &str,
    bank: BankId,
    issuers: &[IssuerKey],
) -> Result<Result<TokenClaims, TokenFault>, TokenError> {
    let token = token::parse(text)?;
    let fields = &token.fields;
    let genuine = issuers
        .iter()
        .filter(|issuer| issuer.kid == fields.kid)
        .any(|issuer| PublicKey(issuer.public).verify(&token.unsigned, &token.signature).is_ok());
    if !genuine {
        return Ok(Err(TokenFault::Forged));
    }
    Ok(Ok(TokenClaims {
        this_bank: fields.bank == token::bank_tag(bank),
        grant: fields.grant,
        generation: fields.generation,
        not_before: fields.not_before,
        expires: fields.expires,
    }))
}
