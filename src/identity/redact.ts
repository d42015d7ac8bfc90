/** What looks like key material, or a part of it: 24 or more hexadecimal digits in a row, 12 of 32 secret bytes. */
const keyMaterial = /[0-9a-f]{24,}/gi

/** A text as it may be shown: an operator who puts a key in the wrong place must not find it in a log. */
export function redact(text: string): string {
  return text.replace(keyMaterial, '[hidden]')
}
