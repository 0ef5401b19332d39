//! Everything that is derived from an item's data key: the commitment, and the keys of its fields.

use zeroize::Zeroizing;

use crate::crypto::aead::{AeadKey, NONCE_LEN};
use crate::crypto::kdf::{FieldKeyStream, HkdfSha512};
use crate::crypto::mac::hmac_sha512_256;
use crate::format::header::{COMMITMENT_LEN, MessageId};
use crate::secret::DataKey;

const COMMIT_LABEL: &[u8] = b"AWS_DBE_COMMIT_KEY";
const DERIVE_LABEL: &[u8] = b"AWS_DBE_DERIVE_KEY";

/// The data key of one item, extracted once.
pub(super) struct ItemKeys {
    hkdf: HkdfSha512,
    message_id: MessageId,
}

impl ItemKeys {
    pub(super) fn new(data_key: &DataKey, message_id: MessageId) -> Self {
        Self {
            hkdf: HkdfSha512::extract(data_key.0.expose()),
            message_id,
        }
    }

    /// The header commitment. HMAC-SHA-512, where the specification's prose says SHA-384: stored
    /// items decide.
    pub(super) fn commitment(&self, partial_header: &[u8]) -> [u8; COMMITMENT_LEN] {
        hmac_sha512_256(&self.derive(COMMIT_LABEL), partial_header)
    }

    pub(super) fn field_keys(&self) -> FieldKeys {
        FieldKeys {
            stream: FieldKeyStream::new(&self.derive(DERIVE_LABEL)),
            next: 0,
        }
    }

    fn derive(&self, label: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        self.hkdf.expand(&[label, &self.message_id.0], &mut key);
        key
    }
}

/// Keys for encrypted fields, in canonical order. Fields that are only signed take none.
pub(super) struct FieldKeys {
    stream: FieldKeyStream,
    next: u32,
}

impl FieldKeys {
    /// Runs `field` with the next field's key and nonce; `None` when the counter is used up, after
    /// 2^32 / 3 fields.
    ///
    /// A closure, because a returned key would be moved, and its key schedule is a kilobyte or two
    /// that a move may leave behind on the stack.
    pub(super) fn with_next<T>(
        &mut self,
        field: impl FnOnce(&AeadKey, &[u8; NONCE_LEN]) -> T,
    ) -> Option<T> {
        let blocks = self.stream.blocks(self.next)?;
        self.next += 1;
        let (key, rest) = blocks.as_flattened().split_first_chunk()?;
        Some(field(&AeadKey::aes256(key), rest.first_chunk()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn hex<const N: usize>(text: &str) -> [u8; N] {
        let bytes: Vec<u8> = (0..N)
            .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
            .collect();
        bytes.try_into().unwrap()
    }

    /// `decrypt_java_32.json`, test 7: the worked example of the format reference.
    #[test]
    fn derives_the_worked_example() {
        let pdk: [u8; 32] = hex("d6be9694ef1293d26f9ebe7bbea5d703e6e91d79a2833a5c0443a92ae0b6364b");
        let data_key = Secret::fill_with(|key| {
            *key = pdk;
            Ok::<_, ()>(())
        });
        let data_key = DataKey(data_key.unwrap());
        let id = MessageId(hex(
            "4b4c80a3adec3acb4bd515327689a8b1fc827adf2472c55cacb9c8bb4eedba63",
        ));
        let keys = ItemKeys::new(&data_key, id);
        assert_eq!(
            *keys.derive(COMMIT_LABEL),
            hex("53e58e165ade19488d2ad080ca50fb0ccf9c15b40413e44d4e3f8332ba1e894c")
        );
        assert_eq!(
            *keys.derive(DERIVE_LABEL),
            hex("67fd42ec5599eaf8490481cbbb17653cde705ff13fc920753046dfb0afe21b04")
        );
        let blocks = keys.field_keys().stream.blocks(1).unwrap();
        let first_44 = &blocks.as_flattened()[..44];
        let key: [u8; 32] = hex("35fe514ac2ead22359c7d28e7092e01a08bf45da390bc84a46c34ba0358ff074");
        let nonce: [u8; 12] = hex("583ec1c912b7c6687e868d69");
        assert_eq!(first_44, [key.as_slice(), &nonce].concat());
    }
}
