import { byId, element } from './dom.ts'

const saidMs = 2_500

/** A line with a text and a button that copies it and says so. */
export function copyLine(): HTMLElement {
  const line = element('li')
  const code = element('code')
  const button = element('button', '', 'Copy')
  button.setAttribute('type', 'button')
  button.addEventListener('click', () => {
    const text = code.textContent ?? ''
    void copy(text, code).then((done) => {
      button.textContent = done ? 'Copied' : 'Press Ctrl+C'
      byId('announcement').textContent = done ? `Copied ${text}` : 'The address is selected: copy it by keyboard'
      setTimeout(() => {
        button.textContent = 'Copy'
        byId('announcement').textContent = ''
      }, saidMs)
    })
  })
  line.append(code, button)
  return line
}

/** Browsers give the clipboard to secure origins, which loopback is; elsewhere the text is selected for the reader. */
async function copy(text: string, node: Element): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    getSelection()?.selectAllChildren(node)
    return false
  }
}
