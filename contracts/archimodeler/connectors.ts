import { entity, service } from '../language/entity.ts'
import { jsonb, text } from '../language/types.ts'
import { moment, momentOfCreation } from './prisma-columns.ts'

export const connectors = service({
  DataSource: entity(
    {
      id: text(),
      name: text(),
      type: text(),
      config: jsonb().secret().note('URLs and credentials.'),
      mapping: jsonb().nullable(),
      schedule: text().nullable().note('A cron expression.'),
      lastSync: moment().nullable(),
      createdAt: momentOfCreation(),
      updatedAt: moment(),
    },
    { key: ['id'], unique: [{ on: ['name'] }] },
  ),
})
