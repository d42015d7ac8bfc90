import { X509Certificate } from 'node:crypto'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromCID } from '@libp2p/peer-id'
import { generateCertificate } from '@libp2p/tls/utils'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { verifyPeerCertificate } from '../../../src/connection/tls/peer-certificate.ts'

// The test vectors of the specification (tls/tls.md, "Test vectors"), taken apart where they are alike
const head = (whole: string, tbs: string) =>
  `308201${whole}308201${tbs}a0030201020204499602d2300a06082a8648ce3d040302302031123010060355040a13096c69627032702e696f310a300806035504051301313020170d3735303130313133303030305a180f34303936303130313133303030305a302031123010060355040a13096c69627032702e696f310a300806035504051301313059301306072a8648ce3d020106082a8648ce3d030107034200040c901d423c831ca85e27c73c263ba132721bb9d7a84c4f0380b2a6756fd601331c8870234dec878504c174144fa4b14b66a651691606d8173e55bd37e381569ea3`
const ecdsaKey =
  '81c23081bf3081bc060a2b0601040183a25a01010481ad3081aa045f0803125b3059301306072a8648ce3d020106082a8648ce3d03010703420004bf30511f909414ebdd3242178fd290f093a551cf75c973155de0bb5a96fedf6cb5d52da7563e794b512f66e60c7f55ba8a3acf3dd72a801980d205e8a1ad29f2'
const vectors = {
  ed25519: `${head('ae', '56')}7c307a3078060a2b0601040183a25a0101046a3068042408011220a77f1d92fedb59dddaea5a1c4abd1ac2fbde7d7b879ed364501809923d7c11b90440d90d2769db992d5e6195dbb08e706b6651e024fda6cfb8846694a435519941cac215a8207792e42849cccc6cd8136c6e4bde92a58c5e08cfd4206eb5fe0bf909300a06082a8648ce3d0403020346003043021f50f6b6c52711a881778718238f650c9fb48943ae6ee6d28427dc6071ae55e702203625f116a7a454db9c56986c82a25682f7248ea1cb764d322ea983ed36a31b77`,
  ecdsa: `${head('f6', '9d')}${ecdsaKey}044730450220064ea8124774caf8f50e57f436aa62350ce652418c019df5d98a3ac666c9386a022100aa59d704a931b5f72fb9222cb6cc51f954d04a4e2e5450f8805fe8918f71eaae300a06082a8648ce3d04030203470030440220799395b0b6c1e940a7e4484705f610ab51ed376f19ff9d7c16757cfbf61b8d4302206205c03fbb0f95205c779be86581d3e31c01871ad5d1f3435bcf375cb0e5088a`,
  secp256k1: `${head('ba', '5f')}8184308181307f060a2b0601040183a25a01010471306f0425080212210206dc6968726765b820f050263ececf7f71e4955892776c0970542efd689d2382044630440220145e15a991961f0d08cd15425bb95ec93f6ffa03c5a385eedc34ecf464c7a8ab022026b3109b8a3f40ef833169777eb2aa337cfb6282f188de0666d1bcec2a4690dd300a06082a8648ce3d0403020349003046022100e1a217eeef9ec9204b3f774a08b70849646b6a1e6b8b27f93dc00ed58545d9fe022100b00dafa549d0f03547878338c7b15e7502888f6d45db387e5ae6b5d46899cef0`,
  wrongSigner: `${head('f7', '9d')}${ecdsaKey}04473045022100bb6e03577b7cc7a3cd1558df0da2b117dfdcc0399bc2504ebe7de6f65cade72802206de96e2a5be9b6202adba24ee0362e490641ac45c240db71fe955f2c5cf8df6e300a06082a8648ce3d0403020348003045022100e847f267f43717358f850355bdcabbefb2cfbf8a3c043b203a14788a092fe8db022027c1d04a2d41fd6b57a7e8b3989e470325de4406e52e084e34a3fd56eef0d0df`
}
const nowMs = Date.parse('2026-11-23')
const verify = async (der: Uint8Array, atMs = nowMs) => {
  const peer = await verifyPeerCertificate(new X509Certificate(der), atMs)
  return 'problem' in peer ? peer.problem : peer.toString()
}
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'))

describe('the vectors of the specification', () => {
  it.each([
    ['ed25519', '12D3KooWM6CgA9iBFZmcYAHA6A2qvbAxqfkmrYiRQuz3XEsk4Ksv'],
    ['secp256k1', '16Uiu2HAkutTMoTzDw1tCvSRtu6YoixJwS46S1ZFxW8hSx9fWHiPs'],
    // js-libp2p (crypto 5.1.23, peer-id 6.0.15) has no peer ids of ECDSA keys: nobody with one can be a peer, over Noise either
    ['ecdsa', 'its identity key cannot be read'],
    ['wrongSigner', 'its identity key cannot be read']
  ] as const)('%s: %s', async (name, expected) => {
    expect(await verify(bytes(vectors[name]))).toBe(expected)
  })
})

describe('certificates of js-libp2p', () => {
  it.each(['Ed25519', 'secp256k1', 'RSA'] as const)('with an identity key of type %s', async (type) => {
    const privateKey = await generateKeyPair(type as 'Ed25519')
    const { cert } = await generateCertificate(privateKey)
    const peer = peerIdFromCID(privateKey.publicKey.toCID()).toString()
    expect(await verify(new X509Certificate(cert).raw, Date.now())).toBe(peer)
  })
})

describe('a certificate that proves nothing', () => {
  const valid = bytes(vectors.ed25519)

  it('is one that is not valid yet, or not any more', async () => {
    const { cert } = await generateCertificate(await generateKeyPair('Ed25519'))
    expect(await verify(new X509Certificate(cert).raw, Date.parse('2026-01-02'))).toBe('it is not valid yet')
    expect(await verify(valid, Date.parse('4097-01-01'))).toBe('it has expired')
  })

  it('is none that a clock which has not been set yet takes for too young', async () => {
    const { cert } = await generateCertificate(await generateKeyPair('Ed25519'))
    expect(await verify(new X509Certificate(cert).raw, Date.parse('1970-01-01'))).toMatch(/^12D3/)
    expect(await verify(valid, Date.parse('1970-01-01'))).toMatch(/^12D3/)
  })

  it('is one that is not signed by its own key', async () => {
    const forged = new Uint8Array(valid)
    forged[forged.length - 1]! ^= 1
    expect(await verify(forged)).toBe('it is not signed by its own key')
  })

  it('is one without the libp2p extension', async () => {
    const other = new Uint8Array(valid)
    other[Buffer.from(other).indexOf(Buffer.from('2b0601040183a25a0101', 'hex')) + 9] = 2
    expect(await verify(other)).toBe('it has no libp2p extension')
  })

  it('is one whose identity key has signed another key', async () => {
    const forged = new Uint8Array(bytes(vectors.secp256k1))
    const signature = Buffer.from(forged).indexOf(Buffer.from('0220145e15a9', 'hex'))
    forged[signature + 4]! ^= 1
    // its own signature covers the extension, so it is the first to break
    expect(await verify(forged)).toBe('it is not signed by its own key')
    const [mine, other] = await Promise.all([generateKeyPair('Ed25519'), generateKeyPair('Ed25519')])
    const impostor = { type: mine.type, publicKey: mine.publicKey, sign: other.sign.bind(other) } as typeof mine
    const { cert } = await generateCertificate(impostor)
    expect(await verify(new X509Certificate(cert).raw, Date.now())).toBe('its identity key has not signed it')
  })

  it('no byte of it can be changed without notice, and none makes it throw', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(valid.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const changed = new Uint8Array(valid)
        changed[at]! ^= change
        let certificate: X509Certificate
        try {
          certificate = new X509Certificate(changed)
        } catch {
          return // no certificate: TLS refuses it
        }
        expect(await verifyPeerCertificate(certificate, nowMs)).toHaveProperty('problem')
      }),
      { numRuns: 500 }
    )
  })
})
