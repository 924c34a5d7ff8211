//! Signatures of tokens, checked by ring.
//!
//! `jsonwebtoken` parses and compares; the arithmetic is handed to it. Only public-key algorithms are here, so that a public key can never be taken for a
//! shared secret (RFC 8725, 2.1 and 3.1), and only keys of a strength that holds: RSA from 2,048 bits, P-256, P-384, Ed25519.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{self, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::signature as of;

/// The algorithms that are allowed (RFC 7518, RFC 8037).
pub const ALLOWED: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: no_signer,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

/// Hands ring to `jsonwebtoken`, once per process.
pub fn install() {
    // The second time it is there already.
    let _ = PROVIDER.install_default();
}

fn no_signer(_: &Algorithm, _: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    Err(ErrorKind::InvalidAlgorithm.into())
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    if !ALLOWED.contains(algorithm) || key.family() != algorithm.family() {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    Ok(Box::new(ByRing { algorithm: *algorithm, key: key.clone() }))
}

struct ByRing {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl ByRing {
    fn rsa(
        &self,
        how: &'static of::RsaParameters,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), ring::error::Unspecified> {
        let DecodingKeyKind::RsaModulusExponent { n, e } = self.key.kind() else {
            return Err(ring::error::Unspecified);
        };
        // ring wants numbers without leading zeros.
        let plain = |bytes: &[u8]| -> Vec<u8> {
            bytes.iter().copied().skip_while(|byte| *byte == 0).collect()
        };
        of::RsaPublicKeyComponents { n: plain(n), e: plain(e) }.verify(how, message, signature)
    }

    fn curve(
        &self,
        how: &'static dyn of::VerificationAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), ring::error::Unspecified> {
        let key = self.key.try_get_as_bytes().map_err(|_| ring::error::Unspecified)?;
        of::UnparsedPublicKey::new(how, key).verify(message, signature)
    }
}

impl Verifier<Vec<u8>> for ByRing {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let done = match self.algorithm {
            Algorithm::RS256 => self.rsa(&of::RSA_PKCS1_2048_8192_SHA256, message, signature),
            Algorithm::RS384 => self.rsa(&of::RSA_PKCS1_2048_8192_SHA384, message, signature),
            Algorithm::RS512 => self.rsa(&of::RSA_PKCS1_2048_8192_SHA512, message, signature),
            Algorithm::PS256 => self.rsa(&of::RSA_PSS_2048_8192_SHA256, message, signature),
            Algorithm::PS384 => self.rsa(&of::RSA_PSS_2048_8192_SHA384, message, signature),
            Algorithm::PS512 => self.rsa(&of::RSA_PSS_2048_8192_SHA512, message, signature),
            Algorithm::ES256 => self.curve(&of::ECDSA_P256_SHA256_FIXED, message, signature),
            Algorithm::ES384 => self.curve(&of::ECDSA_P384_SHA384_FIXED, message, signature),
            Algorithm::EdDSA => self.curve(&of::ED25519, message, signature),
            _ => Err(ring::error::Unspecified),
        };
        done.map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for ByRing {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
