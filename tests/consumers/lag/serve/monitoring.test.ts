import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readAlertRules, readDashboard, selectorsOf } from './monitoring-names.ts'

const { panels } = await readDashboard()
const rules = await readAlertRules()

function ruleOf(name: string): (typeof rules)[number] {
  const rule = rules.find(({ alert }) => alert === name)
  if (rule === undefined) throw new Error(`There is no alert ${name}`)
  return rule
}

test('what the dashboard shows as of now is of now, and unknown where nothing tells it', () => {
  const current = panels.filter(({ type }) => ['stat', 'bargauge', 'gauge', 'table'].includes(type))
  assert.ok(current.length > 0)
  for (const { fieldConfig, targets = [], title, type } of current) {
    // A range has the last value of a series that is gone, for as long as the range is.
    for (const { instant, range } of targets) assert.equal([instant, range ?? false], [true, false], title)
    if (type === 'stat') assert.is(fieldConfig?.defaults.noValue, 'unknown', title)
  }
})

test('a state that two servers tell of is no sum of both', () => {
  const timelines = panels.filter(({ type }) => type === 'state-timeline')
  assert.is(timelines.length, 2)
  for (const { targets = [], title } of timelines)
    for (const { expr } of targets) {
      assert.match(expr, /^max by \(service\)/, title)
      assert.not.match(expr, /\bsum\b/, title)
    }
})

test('a rate is taken over as many scrapes as Grafana knows that it needs', () => {
  for (const { targets = [], title } of panels)
    for (const { expr } of targets)
      for (const [range] of expr.matchAll(/\[[^\]]+\]/g)) assert.is(range, '[$__rate_interval]', title)
})

test('each alert is PromQL, and says how grave it is, what it is about and what to do', () => {
  for (const { alert, annotations, expr, labels } of rules) {
    assert.ok(selectorsOf(expr).length > 0, alert)
    assert.match(labels['severity'] ?? '', /^(critical|warning)$/, alert)
    for (const name of ['summary', 'description', 'runbook']) assert.ok(annotations[name], `${alert}: ${name}`)
  }
  assert.is(new Set(rules.map(({ alert }) => alert)).size, rules.length)
})

test('a status that comes and goes is judged over a time, and not waited for without a break', () => {
  for (const { alert, expr, for: lasting } of rules)
    if (selectorsOf(expr).some(({ matchers }) => matchers.some(({ value }) => value === 'warning')))
      assert.equal([lasting, expr.includes('avg_over_time(')], [undefined, true], alert)
})

test('a slot that was there and is not is critical, and a lag counts where a service follows', () => {
  const { expr, labels } = ruleOf('ScissionSlotGone')
  assert.equal(
    [labels['severity'], selectorsOf(expr).map(({ metric }) => metric)],
    ['critical', ['scission_slot_exists', 'scission_slot_exists']],
  )
  const activity = selectorsOf(ruleOf('ScissionLagHigh').expr).find(({ metric }) => metric.endsWith('_activity'))
  assert.equal(activity?.matchers, [{ label: 'activity', value: 'following', isExact: true }])
})

test.run()
