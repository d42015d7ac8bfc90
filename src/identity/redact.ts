/** What looks like key material: 64 or more hexadecimal digits in a row. */
const keyMaterial = /[0-9a-f]{64,}/gi

/** A text as it may be shown: an operator who puts a key in the wrong place must not find it in a log. */
export function redact(text: string): string {
  return text.replace(keyMaterial, '[hidden]')
}
