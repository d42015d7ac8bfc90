import { expect, it } from 'vitest'
import { elements } from '../../../src/connection/tls/der.ts'

const nulls = (count: number) => Buffer.from('0500'.repeat(count), 'hex')

it('reads no more elements than a certificate has at any level: each costs much more than its two bytes', () => {
  expect(elements(nulls(64))).toHaveLength(64)
  expect(elements(nulls(65))).toBeUndefined()
})
