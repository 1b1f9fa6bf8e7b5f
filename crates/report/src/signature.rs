//! Detached signatures of reports, in the form of minisign, so that its own tools can make and check them too.

use std::io::Cursor;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use minisign::{PError, PublicKeyBox, SecretKey, SecretKeyBox, SignatureBox};

/// A signature that cannot be made, or that does not hold.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The secret key cannot be read, or its password is wrong.
    #[error("the secret key cannot be used")]
    SecretKey(#[source] PError),
    /// The secret key is encrypted and no password was given.
    #[error("the secret key is encrypted, and no password was given")]
    NoPassword,
    /// The public key cannot be read.
    #[error("the public key cannot be read")]
    PublicKey(#[source] PError),
    /// The signature cannot be read.
    #[error("the signature cannot be read")]
    Unreadable(#[source] PError),
    /// The signature is not of this file by this key.
    #[error("the signature does not hold")]
    Mismatch(#[source] PError),
}

/// Signs the bytes of a file with a secret key as minisign writes it, and returns the signature's file. The name of the signed file is
/// part of what is signed.
///
/// # Errors
/// [`SignatureError::SecretKey`], [`SignatureError::NoPassword`].
pub fn sign(
    bytes: &[u8],
    name: &str,
    secret_key: &str,
    password: Option<String>,
) -> Result<String, SignatureError> {
    let parsed = SecretKeyBox::from_string(secret_key).map_err(SignatureError::SecretKey)?;
    let key = match (is_encrypted(secret_key), password) {
        (false, _) => SecretKey::from_unencrypted_box(parsed),
        (true, Some(password)) => SecretKey::from_box(parsed, Some(password)),
        (true, None) => return Err(SignatureError::NoPassword),
    };
    let key = key.map_err(SignatureError::SecretKey)?;
    let comment = format!("file:{name}\thashed");
    let signature = minisign::sign(None, &key, Cursor::new(bytes), Some(&comment), None);
    signature.map(SignatureBox::into_string).map_err(SignatureError::SecretKey)
}

/// Whether a secret key is one that a password keeps; what is no key is none.
fn is_encrypted(secret_key: &str) -> bool {
    let encoded = secret_key.lines().nth(1).and_then(|line| BASE64_STANDARD.decode(line.trim()).ok());
    encoded.and_then(|bytes| SecretKey::from_bytes(&bytes).ok()).is_some_and(|key| key.is_encrypted())
}

/// Checks a signature's file against the bytes of the signed file and a public key as minisign writes it. Returns the signed comment.
///
/// # Errors
/// [`SignatureError::PublicKey`], [`SignatureError::Unreadable`], [`SignatureError::Mismatch`].
pub fn check_signature(bytes: &[u8], signature: &str, public_key: &str) -> Result<String, SignatureError> {
    let key = PublicKeyBox::from_string(public_key)
        .and_then(PublicKeyBox::into_public_key)
        .map_err(SignatureError::PublicKey)?;
    let signature = SignatureBox::from_string(signature).map_err(SignatureError::Unreadable)?;
    minisign::verify(&key, &signature, Cursor::new(bytes), true, false, false)
        .map_err(SignatureError::Mismatch)?;
    signature.trusted_comment().map_err(SignatureError::Unreadable)
}

#[cfg(test)]
mod tests {
    use minisign::KeyPair;

    use super::*;

    fn keys() -> (String, String) {
        let pair = KeyPair::generate_unencrypted_keypair().unwrap();
        let public = pair.pk.to_box().unwrap().into_string();
        (public, pair.sk.to_box(None).unwrap().into_string())
    }

    #[test]
    fn a_signature_holds_for_its_file_and_key_alone() {
        let ((public, secret), (other, _)) = (keys(), keys());
        let signature = sign(b"report", "report.json", &secret, None).unwrap();
        assert_eq!(check_signature(b"report", &signature, &public).unwrap(), "file:report.json\thashed");
        let mismatch = |bytes, signature: &str, key| {
            matches!(check_signature(bytes, signature, key), Err(SignatureError::Mismatch(_)))
        };
        assert!(mismatch(b"report.", &signature, &public) && mismatch(b"report", &signature, &other));
        assert!(mismatch(b"report", &signature.replace("report.json", "forged.json"), &public));
    }

    #[test]
    fn an_encrypted_key_needs_its_password() {
        let mut encrypted = Vec::new();
        KeyPair::generate_and_write_encrypted_keypair(
            Vec::new(),
            &mut encrypted,
            None,
            Some("secret".to_owned()),
        )
        .unwrap();
        let key = String::from_utf8(encrypted).unwrap();
        assert!(matches!(sign(b"x", "x", &key, None), Err(SignatureError::NoPassword)));
        let wrong = sign(b"x", "x", &key, Some("wrong".to_owned()));
        assert!(matches!(wrong, Err(SignatureError::SecretKey(_))));
        assert!(sign(b"x", "x", &key, Some("secret".to_owned())).is_ok());
    }

    #[test]
    fn what_is_no_key_or_signature_is_an_error() {
        let (public, secret) = keys();
        let signature = sign(b"x", "x", &secret, None).unwrap();
        for nonsense in ["", "nonsense", "untrusted comment: x\nnonsense", "untrusted comment: x\nAAAA"] {
            let error = sign(b"x", "x", nonsense, None).unwrap_err();
            assert!(matches!(error, SignatureError::SecretKey(_)), "{nonsense}: {error}");
        }
        assert!(matches!(check_signature(b"x", &signature, "nonsense"), Err(SignatureError::PublicKey(_))));
        assert!(matches!(check_signature(b"x", "nonsense", &public), Err(SignatureError::Unreadable(_))));
    }
}
