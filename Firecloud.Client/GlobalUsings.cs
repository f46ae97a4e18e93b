// System.Version would make the store's own word ambiguous in every file.
global using Version = Firecloud.Actors.Protocol.Version;
