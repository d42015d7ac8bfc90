import { X509Certificate } from 'node:crypto'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { generateCertificate } from '@libp2p/tls/utils'
import { type Element, elements } from '../../../src/connection/tls/der.ts'
import { verifyPeerCertificate } from '../../../src/connection/tls/peer-certificate.ts'
import { mutateDer } from '../mutate/formats.ts'
import { corpus, promise, type Target } from '../target.ts'

/** A certificate that carries an identity has some thirty elements at any level. */
const maxElements = 64

function checkDer(input: Uint8Array): void {
  let level: readonly Uint8Array[] = [input]
  for (let depth = 0; depth < 8; depth++) {
    const found: Element[] = level.flatMap((bytes) => {
      const inside = elements(bytes)
      if (inside === undefined) return []
      promise(inside.length <= maxElements, `${inside.length} elements at one level`)
      const whole = Buffer.concat(inside.map((element) => element.whole))
      promise(whole.equals(bytes), 'the elements are not what they were read from')
      return inside
    })
    level = found.map(({ content }) => content).slice(0, 200)
  }
}

/**
 * What OpenSSL takes for a certificate is verified; and so is what it does not, with the checks of OpenSSL left out, as the bytes
 * of a certificate reach our own reader whatever they are.
 */
export async function tlsTargets(): Promise<Target[]> {
  const own = await Promise.all(
    (['Ed25519', 'secp256k1', 'RSA'] as const).map(async (type) => {
      const { cert } = await generateCertificate(await generateKeyPair(type as 'Ed25519'))
      return new Uint8Array(new X509Certificate(cert).raw)
    })
  )
  const seeds = [...own, ...corpus('certificate')]
  const isSeed = new Set(seeds.map((seed) => Buffer.from(seed).toString('hex')))
  const nowMs = Date.now()
  const model = new X509Certificate(own[0] ?? new Uint8Array())
  const lenient = (raw: Uint8Array) =>
    ({
      raw,
      validFrom: model.validFrom,
      validTo: model.validTo,
      publicKey: model.publicKey,
      verify: () => true
    }) as unknown

  const checkCertificate = async (input: Uint8Array) => {
    await verifyPeerCertificate(lenient(input) as X509Certificate, nowMs)
    let certificate: X509Certificate
    try {
      certificate = new X509Certificate(input)
    } catch {
      return // no certificate: TLS refuses it
    }
    const verdict = await verifyPeerCertificate(certificate, nowMs)
    const changed = !isSeed.has(certificate.raw.toString('hex'))
    promise('problem' in verdict || !changed, 'a certificate that was changed proves an identity')
  }
  return [
    { name: 'DER', weight: 4, seeds, mutate: mutateDer, check: checkDer },
    { name: 'TLS certificate', weight: 1, seeds, mutate: mutateDer, check: checkCertificate }
  ]
}
