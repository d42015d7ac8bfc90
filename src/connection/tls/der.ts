/** One element of DER (X.690): its tag, its content, and itself with its header. All are views of the input. */
export interface Element {
  readonly tag: number
  readonly content: Uint8Array
  readonly whole: Uint8Array
}

/** The tags that a certificate is walked by. */
export const Tag = { BOOLEAN: 0x01, OCTET_STRING: 0x04, OID: 0x06, SEQUENCE: 0x30, EXTENSIONS: 0xa3 } as const

/** At one level. A certificate has ten; an element can have two bytes, and costs as much as a hundred. */
const maxElements = 64

/** Reads the elements that stand one after the other in `bytes`; undefined when they are not well formed, or too many. */
export function elements(bytes: Uint8Array): readonly Element[] | undefined {
  const found: Element[] = []
  for (let at = 0; at < bytes.length; ) {
    const element = readElement(bytes, at)
    if (element === undefined || found.length === maxElements) return undefined
    found.push(element)
    at += element.whole.length
  }
  return found
}

function readElement(bytes: Uint8Array, at: number): Element | undefined {
  const tag = bytes[at]
  const first = bytes[at + 1]
  if (tag === undefined || first === undefined) return undefined
  let length = first
  let start = at + 2
  if (first >= 0x80) {
    // long form: that many bytes of length; a certificate of ours has less than 64 KiB
    const lengthBytes = first & 0x7f
    if (lengthBytes === 0 || lengthBytes > 2) return undefined
    length = 0
    for (let i = 0; i < lengthBytes; i++) length = length * 256 + (bytes[start + i] ?? Number.NaN)
    start += lengthBytes
  }
  const end = start + length
  if (!(end <= bytes.length)) return undefined
  return { tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end) }
}

/** What stands inside a SEQUENCE (or another constructed element) of the given tag. */
export function inside(element: Element | undefined, tag: number): readonly Element[] | undefined {
  return element?.tag === tag ? elements(element.content) : undefined
}
