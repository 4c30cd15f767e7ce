/** Landmarks, one heading of the first level and none left out below it, captions, headers of columns and rows. */
export function structureFaults(): string[] {
  const count = (selector: string): number => document.querySelectorAll(selector).length
  const faults: string[] = []
  for (const selector of ['header', 'main', 'footer', 'h1', 'html[lang]', '[aria-live=polite]'])
    if (count(selector) !== 1) faults.push(`${count(selector)} of ${selector}`)
  for (const table of document.querySelectorAll('table')) {
    if ((table.caption?.textContent ?? '') === '') faults.push('a table without a caption')
    for (const header of table.querySelectorAll('th'))
      if (!header.hasAttribute('scope')) faults.push(`a header without a scope: ${header.textContent}`)
  }
  for (const section of document.querySelectorAll('section')) {
    const heading = document.querySelector(`#${section.getAttribute('aria-labelledby')}`)
    if (heading?.tagName !== 'H2') faults.push('a section without a heading')
  }
  for (const id of [...document.querySelectorAll('[id]')].map((element) => element.id))
    if (document.querySelectorAll(`[id="${CSS.escape(id)}"]`).length > 1) faults.push(`the id ${id} is there twice`)
  return faults
}

/** WCAG 2.2, success criterion 1.4.3: text against the ground that is behind it, 4.5 to 1; large text 3 to 1. */
export function contrastFaults(): string[] {
  const probe = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  if (probe === null) return ['no canvas']
  const rgbOf = (colour: string): [number, number, number, number] => {
    probe.clearRect(0, 0, 1, 1)
    probe.fillStyle = colour
    probe.fillRect(0, 0, 1, 1)
    const [red = 0, green = 0, blue = 0, alpha = 0] = probe.getImageData(0, 0, 1, 1).data
    return [red, green, blue, alpha]
  }
  const luminanceOf = (colour: string): number => {
    const [red, green, blue] = rgbOf(colour).map((value) => {
      const share = value / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0)
  }
  const groundOf = (element: Element | null): string => {
    if (element === null) return getComputedStyle(document.documentElement).backgroundColor
    const { backgroundColor } = getComputedStyle(element)
    return rgbOf(backgroundColor)[3] > 250 ? backgroundColor : groundOf(element.parentElement)
  }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const faults = new Set<string>()
  for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
    const element = text.parentElement
    if (element === null || (text.textContent ?? '').trim() === '' || element.closest('.unseen, noscript, script'))
      continue
    const { color, fontSize, fontWeight, visibility } = getComputedStyle(element)
    if (visibility === 'hidden' || element.getClientRects().length === 0) continue
    const lights = [luminanceOf(color), luminanceOf(groundOf(element))].toSorted((one, other) => other - one)
    const ratio = ((lights[0] ?? 0) + 0.05) / ((lights[1] ?? 0) + 0.05)
    const isLarge =
      Number.parseFloat(fontSize) >= 24 || (Number.parseFloat(fontSize) >= 18.66 && Number(fontWeight) >= 700)
    if (ratio < (isLarge ? 3 : 4.5)) faults.add(`${element.className || element.tagName}: ${ratio.toFixed(2)} to 1`)
  }
  return [...faults]
}
