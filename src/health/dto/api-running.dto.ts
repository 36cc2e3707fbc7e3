import { ApiProperty } from '@nestjs/swagger';

export class ApiRunning {
  @ApiProperty({ description: 'Always the same', example: 'API is running.' })
  message!: string;
}
