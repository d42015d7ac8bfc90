/** The part of sodium-native 5 that is used here; `@types/sodium-native` lacks the IETF ciphers. Outputs come first. */
declare module 'sodium-native' {
  const sodium: {
    crypto_hash_sha256(out: Uint8Array, input: Uint8Array): void
    crypto_box_keypair(publicKey: Uint8Array, secretKey: Uint8Array): void
    crypto_scalarmult_base(publicKey: Uint8Array, secretKey: Uint8Array): void
    crypto_scalarmult(shared: Uint8Array, secretKey: Uint8Array, publicKey: Uint8Array): void
    crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
    crypto_aead_chacha20poly1305_ietf_encrypt(
      sealed: Uint8Array,
      message: Uint8Array,
      associatedData: Uint8Array | null,
      nsec: null,
      nonce: Uint8Array,
      key: Uint8Array
    ): number
    crypto_aead_chacha20poly1305_ietf_decrypt(
      message: Uint8Array,
      nsec: null,
      sealed: Uint8Array,
      associatedData: Uint8Array | null,
      nonce: Uint8Array,
      key: Uint8Array
    ): number
  }
  export default sodium
}
