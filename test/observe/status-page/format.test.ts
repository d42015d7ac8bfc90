import { describe, expect, it } from 'vitest'
import { bytes, duration, number, percent, rate, seconds } from '../../../src/observe/status-page/ui/format.ts'

describe('what people read', () => {
  it.each([
    [rate(null), '–'],
    [rate(0), '0'],
    [rate(0.05), '3 / min'],
    [rate(12.345), '12.3 / s'],
    [number(12_345.6), '12,346'],
    [seconds(0.000_12), '120 µs'],
    [seconds(0.0042), '4.2 ms'],
    [seconds(3.21), '3.21 s'],
    [bytes(0), '0'],
    [seconds(0), '0'],
    [bytes(1_536), '1.5 KB'],
    [bytes(3 * 1024 ** 3), '3 GB'],
    [percent(0.004), '< 1 %'],
    [percent(0.756), '76 %'],
    [percent(1 / 0), '–'],
    [duration(0), '0 s'],
    [duration(3_725), '1 h 2 min'],
    [duration(3_605), '1 h'],
    [duration(266_400), '3 d 2 h']
  ])('%s', (text, expected) => {
    expect(text).toBe(expected)
  })
})
