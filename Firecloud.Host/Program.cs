Console.WriteLine("firecloud");
