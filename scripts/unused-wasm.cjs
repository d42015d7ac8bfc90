// Stands in for @chainsafe/as-sha256 and as-chacha20poly1305 in the bundle: the default crypto of @libp2p/noise 17, which
// starts two WebAssembly instances (4 MB) as soon as it is imported. This node always gives Noise its own, by libsodium.
const unused = () => {
  throw new Error('the WebAssembly crypto of @libp2p/noise is not part of this bundle')
}

module.exports = {
  newInstance: () => ({}),
  ChaCha20Poly1305: class {
    seal = unused
    open = unused
  },
  digest: unused
}
