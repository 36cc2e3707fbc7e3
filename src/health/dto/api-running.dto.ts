import { ApiProperty } from '@nestjs/swagger';

export class ApiRunning {
  @ApiProperty({ example: 'API is running.' })
  message!: string;
}
