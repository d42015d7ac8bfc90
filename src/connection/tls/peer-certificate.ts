import type { X509Certificate } from 'node:crypto'
import type { PeerId } from '@libp2p/interface'
import { verifySignedBy } from '../identity-key.ts'
import { type Element, elements, inside, Tag } from './der.ts'

/** 1.3.6.1.4.1.53594.1.1, the libp2p Public Key Extension. */
const extensionOid = Buffer.from('2b0601040183a25a0101', 'hex')
const signaturePrefix = Buffer.from('libp2p-tls-handshake:')

/** A clock that is before this code is wrong: a machine without a battery boots in 1970, and would refuse everybody over TLS. */
const rightFromMs = Date.UTC(2026, 0, 1)

/** Why a certificate does not prove an identity. */
export interface CertificateProblem {
  readonly problem: string
}

/**
 * The peer whose identity key signed the key of a TLS certificate (libp2p specification tls/tls.md, "Peer
 * Authentication"): the certificate is valid now, signed by itself, has no critical extension that is not known, and one
 * libp2p extension with a good signature.
 *
 * @param nowMs wall time
 */
export async function verifyPeerCertificate(
  certificate: X509Certificate,
  nowMs: number
): Promise<PeerId | CertificateProblem> {
  // a date that cannot be read compares false
  if (nowMs >= rightFromMs && !(Date.parse(certificate.validFrom) <= nowMs)) return { problem: 'it is not valid yet' }
  if (!(Date.parse(certificate.validTo) >= nowMs)) return { problem: 'it has expired' }

  const fields = fieldsOf(certificate.raw)
  if (fields === undefined) return { problem: 'it is no certificate of version 3' }
  if ('problem' in fields) return fields
  if (!isSelfSigned(certificate)) return { problem: 'it is not signed by its own key' }

  const signed = Buffer.concat([signaturePrefix, fields.spki])
  const peer = await verifySignedBy(fields.publicKey, signed, fields.signature)
  if (peer === 'bad-identity') return { problem: 'its identity key cannot be read' }
  if (peer === 'bad-signature') return { problem: 'its identity key has not signed it' }
  return peer
}

function isSelfSigned(certificate: X509Certificate): boolean {
  try {
    return certificate.verify(certificate.publicKey)
  } catch {
    return false // a key or a signature algorithm that OpenSSL does not know
  }
}

interface Fields {
  /** SubjectPublicKeyInfo as it stands in the certificate: this is what was signed. */
  readonly spki: Uint8Array
  /** Identity key as libp2p protobuf. */
  readonly publicKey: Uint8Array
  readonly signature: Uint8Array
}

/**
 * What node:crypto does not give: the SPKI's bytes (`KeyObject.export()` takes 94 µs) and the extensions.
 *
 *     Certificate    ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signature }
 *     TBSCertificate ::= SEQUENCE { [0] version, serial, signature, issuer, validity, subject, SPKI, …, [3] extensions }
 *     Extension      ::= SEQUENCE { OID, critical BOOLEAN DEFAULT FALSE, value OCTET STRING }
 */
function fieldsOf(der: Uint8Array): Fields | CertificateProblem | undefined {
  const [tbs] = inside(elements(der)?.[0], Tag.SEQUENCE) ?? []
  const parts = inside(tbs, Tag.SEQUENCE)
  const spki = parts?.[6]
  const extensions = inside(
    inside(
      parts?.find(({ tag }) => tag === Tag.EXTENSIONS),
      Tag.EXTENSIONS
    )?.[0],
    Tag.SEQUENCE
  )
  if (spki === undefined || extensions === undefined) return undefined

  let own: Element | undefined
  for (const extension of extensions) {
    const [oid, ...rest] = inside(extension, Tag.SEQUENCE) ?? []
    if (oid?.tag !== Tag.OID) return undefined
    if (Buffer.compare(oid.content, extensionOid) === 0) own = rest.at(-1)
    else if (rest[0]?.tag === Tag.BOOLEAN && rest[0].content[0] !== 0 && !isKnownOid(oid.content)) {
      return { problem: 'it has a critical extension that is not known' }
    }
  }
  if (own?.tag !== Tag.OCTET_STRING) return { problem: 'it has no libp2p extension' }
  const [publicKey, signature] = inside(elements(own.content)?.[0], Tag.SEQUENCE) ?? []
  if (publicKey?.tag !== Tag.OCTET_STRING || signature?.tag !== Tag.OCTET_STRING) {
    return { problem: 'its libp2p extension is damaged' }
  }
  return { spki: spki.whole, publicKey: publicKey.content, signature: signature.content }
}

/** The standard extensions (2.5.29.…) are known: they say nothing that matters for an identity. */
function isKnownOid(oid: Uint8Array): boolean {
  return oid[0] === 0x55 && oid[1] === 0x1d
}
